"""Whatever a game does to its objects, in whatever order, every component lives by the rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from engine.objects.objects import Component, GameObject
from tests.engine.helpers import make_scene

# Which hook may follow which; update stands for all that happens in frames.
ALLOWED = {
    "": {"awake"},
    "awake": {"on_enable", "on_destroy"},
    "on_enable": {"start", "update", "on_disable"},
    "start": {"update", "on_disable"},
    "update": {"update", "on_disable"},
    "on_disable": {"on_enable", "on_destroy"},
    "on_destroy": set[str](),
}


class Citizen(Component):
    """Write down its own life, and do what it was told in its next update."""

    life: list[str] = field(default_factory=list)
    errand: Callable[[], object] | None = None

    def awake(self) -> None:
        self.life.append("awake")

    def on_enable(self) -> None:
        self.life.append("on_enable")

    def start(self) -> None:
        self.life.append("start")

    def update(self, dt: float) -> None:
        self.life.append("update")
        errand, self.errand = self.errand, None
        if errand is not None:
            errand()

    def draw(self, surface: Any) -> None:
        surface.append(self)

    def on_disable(self) -> None:
        self.life.append("on_disable")

    def on_destroy(self) -> None:
        self.life.append("on_destroy")


class World(RuleBasedStateMachine):
    citizens: Bundle[Citizen] = Bundle("citizens")

    def __init__(self) -> None:
        super().__init__()
        self.scene = make_scene()
        self.everybody: list[Citizen] = []

    @rule(target=citizens, parent=st.none() | citizens, active=st.booleans())
    def is_born(self, parent: Citizen | None, active: bool) -> Any:
        if parent is not None and parent.is_destroyed:
            return multiple()
        above = None if parent is None else parent.game_object
        citizen = self.scene.create("Citizen", parent=above, active=active).add(Citizen())
        self.everybody.append(citizen)
        return citizen

    @rule(citizen=citizens, value=st.booleans(), later=st.none() | citizens)
    def is_switched(self, citizen: Citizen, value: bool, later: Citizen | None) -> None:
        self.do(lambda: setattr(citizen, "enabled", value), later)

    @rule(citizen=citizens, value=st.booleans(), later=st.none() | citizens)
    def home_is_switched(self, citizen: Citizen, value: bool, later: Citizen | None) -> None:
        self.do(lambda: citizen.game_object.set_active(value), later)

    @rule(citizen=citizens, whole=st.booleans(), later=st.none() | citizens)
    def ends(self, citizen: Citizen, whole: bool, later: Citizen | None) -> None:
        victim: Citizen | GameObject = citizen.game_object if whole else citizen
        self.do(lambda: self.scene.destroy(victim), later)

    @rule(citizen=citizens, parent=citizens)
    def moves_in(self, citizen: Citizen, parent: Citizen) -> None:
        if citizen.is_destroyed or parent.is_destroyed or in_family(parent, citizen):
            return
        citizen.transform.parent = parent.transform

    @rule()
    def a_frame_passes(self) -> None:
        before = {id(c): c.life.count("update") for c in self.everybody}
        errands = any(c.errand for c in self.everybody)
        expected = [c for c in self.everybody if c.is_active_and_enabled and not c.is_destroyed]
        self.scene.update(0.0)
        if not errands:
            updated = [c for c in self.everybody if c.life.count("update") > before[id(c)]]
            assert updated == expected

    @invariant()
    def nobody_breaks_the_order_of_life(self) -> None:
        for citizen in self.everybody:
            for last, this in zip(["", *citizen.life], citizen.life, strict=False):
                assert this in ALLOWED[last], citizen.life
            assert citizen.life.count("start") <= 1
            assert "update" not in citizen.life[: starts_at(citizen.life)]

    @invariant()
    def who_takes_part_is_who_wants_to(self) -> None:
        for citizen in self.everybody:
            if not citizen.is_destroyed:
                wanted = citizen.enabled and citizen.game_object.active_in_hierarchy
                assert citizen.is_active_and_enabled == wanted

    @invariant()
    def only_who_takes_part_is_drawn(self) -> None:
        drawn: list[Citizen] = []
        self.scene.draw(drawn)
        assert len(drawn) == len(set(drawn))
        assert all(c.is_active_and_enabled and not c.is_destroyed for c in drawn)

    def teardown(self) -> None:
        errors: list[object] = []
        self.scene.on_error.subscribe(errors.append)
        self.scene.close()
        assert errors == []
        assert all(not c.life or c.life[-1] == "on_destroy" for c in self.everybody)

    def do(self, action: Callable[[], object], later: Citizen | None) -> None:
        """Act now, or in the middle of a frame: in somebody's next update."""
        if later is None:
            action()
        else:
            later.errand = action


def in_family(citizen: Citizen, ancestor: Citizen) -> bool:
    above = citizen.transform
    while above is not ancestor.transform:
        if above.parent is None:
            return False
        above = above.parent
    return True


def starts_at(life: list[str]) -> int:
    return life.index("start") if "start" in life else len(life)


World.TestCase.settings = settings(stateful_step_count=30)
TestWorld = World.TestCase
