from __future__ import annotations

import asyncio

from characters.transport.fault_gate import FaultGate


def test_an_open_gate_holds_nobody_up() -> None:
    async def pass_it() -> None:
        async with asyncio.timeout(1.0):
            await FaultGate().passes()

    asyncio.run(pass_it())


def test_what_waits_at_a_shut_gate_goes_on_when_it_opens() -> None:
    async def wait_for_it() -> bool:
        gate = FaultGate()
        gate.shut()
        waiting = asyncio.create_task(gate.passes())
        done, _ = await asyncio.wait({waiting}, timeout=0.05)
        gate.open()
        async with asyncio.timeout(2.0):
            await waiting
        return not done

    assert asyncio.run(wait_for_it())
