"""How a fact takes the place of another, joins it, or strikes it out."""

from __future__ import annotations

from characters.agents.facts import Fact, all_about, items_of, nothing_of, update
from characters.agents.learning import learn


def test_what_is_pinned_goes_by_a_correction_alone_and_by_no_limit() -> None:
    facts, pinned = {"name": "Ada", "likes": "tea"}, {"name", "likes"}
    update(facts, learn("My name is Zoe and I hate tea", facts), pinned)
    assert (facts["name"], facts["likes"]) == ("Ada", "tea")
    for nth in range(60):
        update(facts, [Fact(f"thing {nth}", "x")], pinned)
    assert (facts["name"], facts["likes"]) == ("Ada", "tea")
    update(facts, learn("My name is not Ada, it is Zoe", facts), pinned)
    assert facts["name"] == "Zoe"


def test_of_one_kind_of_thing_the_last_count_holds() -> None:
    facts: dict[str, str] = {}
    update(facts, [Fact("has", "two cats"), Fact("has", "a dog"), Fact("has", "three cats")])
    assert facts == {"has": "a dog, three cats"}


def test_what_somebody_did_is_kept_beside_what_he_did_before() -> None:
    facts: dict[str, str] = {}
    doings = [Fact("mum did", "has a dog and a cat"), Fact("mum did", "broke her arm")]
    update(facts, doings)
    assert items_of("mum did", facts["mum did"]) == ["has a dog and a cat", "broke her arm"]
    assert all_about("mum", facts) == ["mum did"]
    update(facts, [Fact("mum did", "has a dog and a cat", is_denied=True)])
    assert facts == {"mum did": "broke her arm"}
    update(facts, nothing_of("mum", facts))
    assert not facts


def test_only_the_players_own_have_a_name_beside_what_they_are() -> None:
    facts: dict[str, str] = {}
    update(facts, [Fact("favourite colour", "blue"), Fact("favourite colour", "red")])
    assert facts == {"favourite colour": "red"}
    update(facts, [Fact("sister", "Ada"), Fact("sister", "a vet")])
    assert (facts["sister"], facts["sister is"]) == ("Ada", "a vet")
