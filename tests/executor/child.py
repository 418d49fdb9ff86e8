"""An executor as its own process, for tests that kill it: `child.py CONFIG`."""

import asyncio
import os
import sys
from pathlib import Path

from gateway.adapters.clock import SystemClock
from gateway.executor.config_load import load
from gateway.executor.run import run

asyncio.run(run(load(Path(sys.argv[1])), clock=SystemClock(), instance=f"child-{os.getpid()}"))
