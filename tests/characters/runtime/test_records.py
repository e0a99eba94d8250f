from __future__ import annotations

import pytest

from characters.core.session_events import (
    ClearRecord,
    Event,
    LoadRecord,
    RecordLoaded,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    StoreRecord,
)
from characters.core.state import SessionRecord
from characters.runtime.records import Records
from tests.characters.runtime.stage import Stage


def told(stage: Stage, *commands: LoadRecord | StoreRecord | ClearRecord) -> list[Event]:
    events: list[Event] = []
    records = Records("nurse", "home", stage.world, events.append)

    async def order() -> None:
        for command in commands:
            name = type(command).__name__.removesuffix("Record").lower()
            getattr(records, name)(command)
        await records.settled()

    stage.loop.run(order())
    return events


def test_a_clear_that_failed_is_made_up_for_before_anything_is_read() -> None:
    with Stage() as stage:
        events: list[Event] = []
        records = Records("nurse", "home", stage.world, events.append)
        stage.persistence.store("nurse", SessionRecord("id-1"))
        stage.worker.is_failing = True
        stage.loop.call_soon(records.clear, ClearRecord())
        stage.run_for(0.1)
        stage.worker.is_failing = False
        stage.loop.call_soon(records.load, LoadRecord(1))
        stage.run_for(0.1)
        assert events == [RecordLoaded(1, None)]
        assert stage.persistence.load("nurse") is None


def test_it_is_known_when_the_record_was_stored_over_restarts_too() -> None:
    with Stage() as stage:
        records = Records("nurse", "home", stage.world, lambda event: None)
        now, wall = stage.world.clock, stage.world.wall_clock
        stage.persistence.store("nurse", SessionRecord("id-1", saved_at=wall() - 60.0))
        stage.loop.call_soon(records.load, LoadRecord(1))
        stage.run_for(0.1)
        assert records.stored_at == pytest.approx(now() - 60.1, abs=0.05)
        stage.loop.call_soon(records.store, StoreRecord(1, "id-1", None))
        stage.run_for(0.1)
        assert records.stored_at == pytest.approx(now() - 0.1, abs=0.05)
        stage.loop.call_soon(records.clear, ClearRecord())
        stage.run_for(0.1)
        assert records.stored_at is None


class Broken:
    """A store that cannot do anything."""

    def load(self, key: str) -> SessionRecord | None:
        raise OSError("no")

    def store(self, key: str, record: SessionRecord) -> None:
        raise OSError("no")

    def clear(self, key: str) -> None:
        raise OSError("no")

    def all(self) -> dict[str, SessionRecord]:
        raise OSError("no")


def test_what_was_stored_is_loaded_with_its_age() -> None:
    with Stage() as stage:
        told(stage, StoreRecord(1, "id-1", "room-1", is_dropped=True))
        stage.run_for(30.0)
        (event,) = told(stage, LoadRecord(2))
        assert isinstance(event, RecordLoaded) and event.record is not None
        assert round(event.room_age) == 30
        assert (event.record.session_id, event.record.endpoint_id) == ("id-1", "home")


def test_a_room_that_was_never_dropped_has_no_age() -> None:
    with Stage() as stage:
        told(stage, StoreRecord(1, "id-1", "room-1"))
        stage.run_for(3000.0)
        (event,) = told(stage, LoadRecord(2))
        assert isinstance(event, RecordLoaded) and event.room_age == 0.0


def test_orders_are_carried_out_in_their_order() -> None:
    with Stage() as stage:
        told(stage, StoreRecord(1, "id-1", None), StoreRecord(1, "id-2", None), ClearRecord())
        assert stage.persistence.load("nurse") is None
        told(stage, ClearRecord(), StoreRecord(1, "id-3", None))
        record = stage.persistence.load("nurse")
        assert record is not None and record.session_id == "id-3"


def test_a_stored_record_is_confirmed_with_its_epoch() -> None:
    with Stage() as stage:
        assert told(stage, StoreRecord(7, "id-1", None)) == [RecordStored(7)]


def test_a_store_that_fails_says_so_with_its_code() -> None:
    with Stage(Broken()) as stage:
        load, store = told(stage, LoadRecord(1), StoreRecord(1, "id-1", None))
        assert isinstance(load, RecordLoadFailed) and isinstance(store, RecordStoreFailed)
        assert load.failure.code == store.failure.code == "persistence.unavailable"
        assert told(stage, ClearRecord()) == []
