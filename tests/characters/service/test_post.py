from __future__ import annotations

from characters.core.messages import BotLlmText, BotTurnCompleted
from characters.service.post import Post


def test_an_answer_was_heard_when_the_end_of_its_turn_is_confirmed() -> None:
    post = Post("r")
    for message in (BotLlmText("Good"), BotTurnCompleted(message_id="m1"), BotTurnCompleted()):
        post.send(message)
    post.link.outbox.acknowledged(1)
    assert post.take_heard() == ()
    post.link.outbox.acknowledged(2)
    assert post.take_heard() == ("m1",)
    assert post.take_heard() == ()


def test_what_nobody_sees_is_not_kept() -> None:
    post = Post("r")
    post.send_if_seen(BotLlmText("x"))
    assert len(post.link.outbox) == 0
    post.send(BotLlmText("x"))
    assert len(post.link.outbox) == 1
