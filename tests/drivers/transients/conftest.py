"""A small campaign, and servers of it that go wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from campaign import Campaign, Serve
from radiograph.drivers.transients.campaign_server import CampaignServer, Faults


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """One archive of 300,001 bytes on the server."""
    found = Campaign(tmp_path)
    found.put("a.tar", random.Random(1).randbytes(300_001))
    return found


@pytest.fixture
def serve(campaign: Campaign) -> Iterator[Serve]:
    """Starts a server of the campaign with faults."""
    with ExitStack() as stack:

        def start(**faults: Any) -> CampaignServer:
            return stack.enter_context(CampaignServer(campaign.server_folder, Faults(**faults)))

        yield start
