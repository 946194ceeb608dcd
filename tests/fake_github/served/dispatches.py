"""Events that a client sends to the workflows of the default branch."""

from tests.fake_github.serving import Call, Reply, serves


@serves("repos/create-dispatch-event", ("contents", "write"))
def create(call: Call) -> Reply:
    """Needs write access to the contents. https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event"""
    facts = {"event_type": call.body["event_type"], "client_payload": call.body.get("client_payload", {})}
    call.state.add("dispatches", repo=call.repo["id"], **facts)
    return Reply(204)
