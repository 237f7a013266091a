"""Turns of the event loop, for what goes on by itself and tells nobody."""

from __future__ import annotations

import asyncio


async def turn() -> None:
    """Let all go on that can by now: what the loop has been told before is done when this is."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()


async def settled(turns: int = 5) -> None:
    for _ in range(turns):
        await turn()
