"""Nodes: boards with horns, and what they tell."""

from typing import Annotated

from fastapi import APIRouter, Query

from codec.wire import command
from controller.people.permissions import needs
from controller.storage.tables import Node
from controller.web.errors import errors
from controller.web.models.fields import at
from controller.web.models.nodes import (
    Command,
    CommandedOut,
    CommandOut,
    Commands,
    CommandsOut,
    NodeList,
    NodeOut,
    NodePatch,
    Stranger,
)
from controller.web.parts import TheOffice, TheWho
from controller.web.views import node_out

router = APIRouter(prefix="/api/nodes", tags=["nodes"])


@router.get("", summary="List nodes", openapi_extra=needs("read"))
async def list_nodes(office: TheOffice, who: TheWho) -> NodeList:
    """Our nodes by id with their state, and strangers at the broker."""
    strangers = [Stranger(id=name, seen_at=at(seen)) for name, seen in office.reports.unknown.items()]
    return NodeList(nodes=[node_out(office, node, who) for node in await office.stations.nodes()], unknown=strangers)


@router.post(
    "/commands",
    summary="Order many nodes",
    responses=errors(400, 422),
    openapi_extra=needs("nodes.write", "node.order"),
)
async def order_all(
    office: TheOffice,
    body: Commands,
    wait_s: Annotated[float, Query(ge=0, le=10, description="how long to wait for the nodes' answers")] = 2.0,
) -> CommandsOut:
    """As for one node, for all at once: gain and mute are set for all of them in one transaction, the nodes' answers
    are waited for together. What a node does not do, its own result says; the others do it nevertheless."""
    nodes = {node.id: node for node in await office.stations.nodes()}
    results = {name: _refusal(nodes.get(name)) for name in body.nodes}
    ordered = [nodes[name] for name, refusal in results.items() if refusal is None]
    arguments = body.arguments()
    values = dict(arguments) if body.op in (command.SET_GAIN, command.MUTE) else {}
    answers = await office.reports.command_all(ordered, body.op, arguments, values, wait_s) if ordered else {}
    return CommandsOut(
        results=[
            CommandedOut(node=name, acknowledged=answers[name].acknowledged, error=answers[name].error)
            if refusal is None
            else CommandedOut(node=name, acknowledged=False, error=refusal)
            for name, refusal in results.items()
        ]
    )


@router.get("/{node_id}", summary="Read a node", responses=errors(404), openapi_extra=needs("read"))
async def read_node(office: TheOffice, who: TheWho, node_id: str) -> NodeOut:
    """One node."""
    return node_out(office, await office.stations.node(node_id), who)


@router.patch(
    "/{node_id}",
    summary="Change a node",
    responses=errors(400, 404, 422),
    openapi_extra=needs("nodes.write", "node.change"),
)
async def change_node(office: TheOffice, who: TheWho, node_id: str, body: NodePatch) -> NodeOut:
    """Fields that are left out stay as they are. The node is told now, or when it comes on line."""
    node = await office.stations.change_node(node_id, body.columns())
    await office.reports.configure(node)
    return node_out(office, node, who)


@router.delete(
    "/{node_id}",
    status_code=204,
    summary="Remove a node",
    responses=errors(404),
    openapi_extra=needs("nodes.write", "node.remove"),
)
async def remove_node(office: TheOffice, node_id: str) -> None:
    """Its sound stops at once; what it says from now on is a stranger's."""
    await office.stations.remove_node(node_id)


@router.post(
    "/{node_id}/command",
    summary="Order a node",
    responses=errors(400, 404, 409, 422, 503),
    openapi_extra=needs("nodes.write", "node.order"),
)
async def order(
    office: TheOffice,
    node_id: str,
    body: Command,
    wait_s: Annotated[float, Query(ge=0, le=10, description="how long to wait for the node's answer")] = 2.0,
) -> CommandOut:
    """Sends the command and waits for the node's answer."""
    node = await office.stations.node(node_id)
    if body.op in (command.SET_GAIN, command.MUTE):
        node = await office.stations.change_node(node_id, dict(body.arguments()))
    answer = await office.reports.command(node, body.op, body.arguments(), wait_s)
    return CommandOut(counter=answer.counter, acknowledged=answer.acknowledged, error=answer.error)


def _refusal(node: Node | None) -> str | None:
    """Return why a node takes no commands, a code, or None."""
    if node is None:
        return "unknown_node"
    if node.retired_wall_us is not None:
        return "retired"
    return "plain_receiver" if node.rtp_address is not None else None
