"""Sends the usage metrics of LiveKit agents to a usage ledger.

emitter = UsageEmitter.from_env()
emitter.attach(session, session_id=ctx.room.name, account_id="acct-1")
ctx.add_shutdown_callback(emitter.aclose)
"""

from .emitter import UsageEmitter
from .stats import Stats

__all__ = ["Stats", "UsageEmitter"]
