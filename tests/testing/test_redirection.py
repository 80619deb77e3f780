"""Blocks that begin and end in any order, as fixtures of several scopes may."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dynamodb_py import connections
from dynamodb_py.connections import Registry
from dynamodb_py.credentials.addresses import Address
from dynamodb_py.testing.redirection import end_redirection, redirect_connections


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=30))
def test_the_last_open_block_counts_and_the_end_is_the_beginning(steps):
    """Each step begins a block, or ends the one at a place among those that are open."""
    before = connections.get_registry()
    empty = Registry({}, set(), None)
    connections.set_registry(empty)
    open_blocks = []
    try:
        for number, place in enumerate(steps):
            if place is None:
                address = Address(f"memory://{number}", None, f"{number}")
                open_blocks.append((address, redirect_connections(address)))
            elif open_blocks:
                end_redirection(open_blocks.pop(place % len(open_blocks))[1])
            expected = open_blocks[-1][0] if open_blocks else None
            assert connections.get_registry().redirected_to == expected
        while open_blocks:
            end_redirection(open_blocks.pop(0)[1])
        assert connections.get_registry() == empty
        assert connections.get_registry().connections is empty.connections
    finally:
        connections.set_registry(before)
