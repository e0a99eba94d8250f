"""Who owns a session: the table, the SQL over it, and two nodes that must never both write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from characters.service.database import connect
from characters.service.directory import (
    DIRECTORY_SCHEMA,
    LEASE_SECONDS,
    TABLE,
    Act,
    Claim,
    Directory,
    Outcome,
    Ownership,
    SessionOwner,
    Standing,
    decide,
)
from characters.service.memory import Pair
from characters.service.postgres import PostgresDatabase, prepare
from characters.service.store import FencedError, SessionStore, StoredSession
from characters.service.tables import Database

DAY = 86400.0
NODES = ("a", "b", "c")
ADA = StoredSession("s1", "nurse", "ada", 0.0)


def test_each_act_has_an_outcome_for_each_standing() -> None:
    assert TABLE.keys() == set(Act)
    assert all(row.keys() == set(Standing) for row in TABLE.values())


def test_only_the_present_owner_saves_and_releases() -> None:
    mine = Ownership("a", 3, until=10.0)
    for act, allowed in ((Act.SAVE, Outcome.KEEP), (Act.RELEASE, Outcome.FREE)):
        assert decide(act, mine, "a", 3, 5.0) is allowed
        assert decide(act, mine, "a", 3, 99.0) is allowed  # late, but nobody has taken it
        assert decide(act, mine, "a", 2, 5.0) is Outcome.REFUSE
        assert decide(act, mine, "b", 3, 5.0) is Outcome.REFUSE
        assert decide(act, None, "a", 3, 5.0) is Outcome.REFUSE


def test_a_session_is_taken_from_nobody_and_from_the_dead_alone() -> None:
    assert decide(Act.CLAIM, Ownership(), "a", None, 5.0) is Outcome.TAKE
    assert decide(Act.CLAIM, Ownership("b", 1, until=5.0), "a", None, 5.0) is Outcome.TAKE
    assert decide(Act.CLAIM, Ownership("b", 1, until=5.1), "a", None, 5.0) is Outcome.ASK_OWNER
    assert decide(Act.CLAIM, Ownership("a", 1, until=0.0), "a", None, 5.0) is Outcome.TAKE
    assert decide(Act.CLAIM, None, "a", None, 5.0) is Outcome.REFUSE


def test_what_a_living_node_has_does_not_expire_and_is_forgotten_all_the_same() -> None:
    theirs = Ownership("b", 1, until=9.0)
    assert decide(Act.EXPIRE, theirs, "a", None, 5.0) is Outcome.REFUSE
    assert decide(Act.EXPIRE, theirs, "a", None, 9.0) is Outcome.END
    assert decide(Act.FORGET, theirs, "a", None, 5.0) is Outcome.END


# --- the same in SQL ------------------------------------------------------------------------------


class Nodes:
    """Three nodes over one database; `pass_time` moves its clock."""

    def __init__(self, db: Database, pass_time: Callable[[float], None]) -> None:
        self.db = db
        self.pass_time = pass_time
        self.directories = {name: Directory(db, name, f"http://{name}") for name in NODES}
        self.stores = {name: SessionStore(None, database=db, node=name) for name in NODES}

    def now(self) -> float:
        return float(self.db.execute(f"SELECT {self.db.clock}").fetchone()[0])

    def claim(self, node: str) -> Claim | SessionOwner | None:
        return self.directories[node].claim("s1", DAY, DAY)

    def saves(self, node: str, epoch: int) -> bool:
        try:
            session = replace(ADA, epoch=epoch, is_stored=True, used_at=self.now())
            self.stores[node].save(session, {"by": node})
        except FencedError:
            return False
        return True


def on_sqlite() -> Nodes:
    db, clock = connect(":memory:"), [1000.0]
    db.use_clock(lambda: clock[0])
    db.executescript(DIRECTORY_SCHEMA)

    def pass_time(seconds: float) -> None:
        clock[0] += seconds

    return Nodes(db, pass_time)


def on_postgres(url: str) -> Nodes:
    db = PostgresDatabase(url)
    prepare(db)

    def pass_time(seconds: float) -> None:
        with db:  # its clock is its own: what it has measured becomes older instead
            db.execute("UPDATE nodes SET until = until - ?", (seconds,))
            db.execute("UPDATE sessions SET used_at = used_at - ?", (seconds,))

    return Nodes(db, pass_time)


@pytest.fixture(params=["sqlite", "postgres"])
def nodes(request: pytest.FixtureRequest) -> Iterator[Nodes]:
    if request.param == "sqlite":
        found = on_sqlite()
    else:
        found = on_postgres(request.getfixturevalue("postgres").fresh())
    for directory in found.directories.values():
        directory.beat()
    found.stores["a"].save(replace(ADA, used_at=found.now()), {})
    yield found
    found.db.close()


def test_who_makes_a_session_owns_it_and_others_are_told_where_it_is(nodes: Nodes) -> None:
    owner = nodes.claim("b")
    assert isinstance(owner, SessionOwner)
    assert (owner.node, owner.url) == ("a", "http://a")
    assert nodes.saves("a", 1)
    assert not nodes.saves("b", 1)


def test_a_node_that_gives_no_sign_of_life_loses_its_sessions_and_may_not_write(
    nodes: Nodes,
) -> None:
    nodes.pass_time(LEASE_SECONDS + 0.1)
    nodes.directories["b"].beat()
    claim = nodes.claim("b")
    assert isinstance(claim, Claim)
    assert claim.epoch == 2
    assert claim.away == pytest.approx(LEASE_SECONDS + 0.1, abs=30.0)
    nodes.directories["a"].beat()  # it thaws
    assert not nodes.saves("a", 1)
    assert nodes.saves("b", 2)


def test_a_node_that_was_released_or_buried_makes_way_at_once(nodes: Nodes) -> None:
    assert nodes.directories["a"].release("s1", 1)
    assert not nodes.directories["a"].release("s1", 1)
    claim = nodes.claim("b")
    assert isinstance(claim, Claim)
    owner = nodes.claim("c")
    assert isinstance(owner, SessionOwner)
    nodes.directories["c"].bury(owner)
    assert isinstance(nodes.claim("c"), Claim)
    assert not nodes.saves("b", claim.epoch)


def test_who_has_beaten_since_is_not_buried(nodes: Nodes) -> None:
    owner = nodes.claim("b")
    assert isinstance(owner, SessionOwner)
    nodes.pass_time(0.5)
    nodes.directories["a"].beat()
    nodes.directories["b"].bury(owner)
    assert isinstance(nodes.claim("b"), SessionOwner)


def test_a_beat_tells_what_is_ours_and_what_others_want(nodes: Nodes) -> None:
    nodes.directories["b"].want("s1", "their connection")
    beat = nodes.directories["a"].beat()
    assert beat.epochs == {"s1": 1}
    assert beat.wanted == {"s1": "their connection"}
    assert nodes.directories["b"].beat().epochs == {}


def test_what_has_expired_cannot_be_claimed_and_is_removed_unless_a_living_node_has_it(
    nodes: Nodes,
) -> None:
    nodes.pass_time(2 * DAY)
    nodes.directories["a"].beat()
    assert nodes.stores["b"].expire(DAY, DAY) == ()
    nodes.directories["a"].release("s1", 1)
    assert nodes.claim("b") is None
    assert nodes.stores["b"].expire(DAY, DAY) == ("s1",)
    assert "s1" in nodes.stores["b"].load().ended
    assert nodes.claim("b") is None


def test_too_many_sessions_cost_the_player_who_has_the_most(nodes: Nodes) -> None:
    store = nodes.stores["a"]
    talks = [("bob", "b0"), ("bob", "b1"), *(("greedy", f"g{number}") for number in range(6))]
    for player, session_id in talks:
        nodes.pass_time(1.0)
        store.save(
            StoredSession(session_id, "nurse", player, nodes.now(), is_saved=session_id == "g0")
        )
    for _, session_id in talks:
        if session_id != "g1":  # a living node has it
            nodes.directories["a"].release(session_id, 1)
    nodes.directories["a"].beat()
    assert nodes.stores["b"].expire(DAY, DAY, keep=9) == ()
    assert set(nodes.stores["b"].expire(DAY, DAY, keep=6)) == {"g2", "g3", "g4"}
    left = {session.session_id for session in store.load().sessions}
    assert left == {"s1", "g0", "g1", "g5", "b0", "b1"}
    assert nodes.stores["b"].expire(DAY, DAY, keep=6) == ()


def test_who_is_forgotten_on_one_node_is_written_by_none(nodes: Nodes) -> None:
    nodes.stores["b"].forget(nodes.stores["b"].of_player("ada"), 5.0, "ada")
    assert not nodes.saves("a", 1)
    assert nodes.directories["a"].present(["s1"]) == frozenset()


def test_a_correction_takes_the_talk_from_a_node_that_remembers_otherwise(nodes: Nodes) -> None:
    session = replace(ADA, is_stored=True, used_at=nodes.now())
    nodes.stores["a"].save(session, {"facts": {"name": "Ada"}})
    assert nodes.stores["b"].correct(Pair("ada", "nurse"), "name", "Eve", 5.0)
    assert not nodes.saves("a", 1)
    assert isinstance(nodes.claim("b"), Claim)


# --- any order of events --------------------------------------------------------------------------


class AnyOrder(RuleBasedStateMachine):
    """Three nodes do anything, and are frozen for any time; the model is one line for each save."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = on_sqlite()
        self.nodes.stores["a"].save(replace(ADA, used_at=1000.0), {})
        self.believed = {("a", 1)}  # what each node, or an old room of it, believes to have
        self.highest = 1
        self.is_gone = False

    @rule(node=st.sampled_from(NODES))
    def beat(self, node: str) -> None:
        self.nodes.directories[node].beat()

    @rule(seconds=st.sampled_from((0.1, 1.0, 1.9, 2.1, 3600.0)))
    def pass_time(self, seconds: float) -> None:
        self.nodes.pass_time(seconds)

    @rule(node=st.sampled_from(NODES))
    def claim(self, node: str) -> None:
        found = self.nodes.claim(node)
        if isinstance(found, Claim):
            assert found.epoch == self.highest + 1, "an epoch that does not grow by one"
            self._believe(node, found)
        if isinstance(found, SessionOwner):
            assert found.node != node

    def _believe(self, node: str, claim: Claim) -> None:
        self.highest = claim.epoch
        self.believed.add((node, claim.epoch))

    @rule(nth=st.integers(0, 99))
    def release(self, nth: int) -> None:
        node, epoch = sorted(self.believed)[nth % len(self.believed)]
        is_theirs = self.nodes.saves(node, epoch)
        assert self.nodes.directories[node].release("s1", epoch) is is_theirs
        assert not self.nodes.saves(node, epoch)

    @rule(node=st.sampled_from(NODES))
    def bury(self, node: str) -> None:
        found = self.nodes.claim(node)
        if isinstance(found, SessionOwner):
            self.nodes.directories[node].bury(found)
        elif isinstance(found, Claim):
            self._believe(node, found)

    @rule(node=st.sampled_from(NODES))
    def forget(self, node: str) -> None:
        self.nodes.stores[node].forget(["s1"], 5.0, "ada")
        self.is_gone = True

    @invariant()
    def there_are_never_two_valid_writers(self) -> None:
        valid = [epoch for node, epoch in self.believed if self.nodes.saves(node, epoch)]
        assert valid in ([], [self.highest])
        assert not (valid and self.is_gone)


def test_in_any_order_of_events_there_is_one_writer() -> None:
    run_state_machine_as_test(AnyOrder, settings=settings(stateful_step_count=30))
