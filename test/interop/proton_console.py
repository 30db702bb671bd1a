#!/usr/bin/python3
"""A QMFv2 console of another make: Python and Qpid Proton, AMQP 1.0 with amqp-value bodies.

Written from docs/wire.md alone, it shares no code with the project. It finds the agent by vendor and product, queries the
factory, reads its schema, starts a build on target mock and follows it by events; then it does what must be refused.
Prints one line per check and exits 0 if all of them held.

Usage: proton_console.py HOST:PORT
"""
import sys
import time
import uuid

from proton import Described, Message, symbol
from proton.reactor import Filter
from proton.utils import BlockingConnection

TOPIC = "qmf.default.topic"
BINDING = symbol("apache.org:legacy-amqp-topic-binding:string")
TIMEOUT = 15


def text(value):
    """Strings come as binary from C++ agents."""
    return value.decode("utf8") if isinstance(value, (bytes, memoryview)) else value


class Console:
    def __init__(self, address):
        self.connection = BlockingConnection(address, timeout=TIMEOUT)
        self.key = "direct-console." + str(uuid.uuid4())
        self.replies = self.receive(self.key)
        self.events = self.receive("agent.ind.event.#")
        self.sender = self.connection.create_sender(TOPIC)
        self.sequence = 0

    def receive(self, key):
        source_filter = Filter({symbol("subject-filter"): Described(BINDING, key)})
        return self.connection.create_receiver(TOPIC, credit=100, options=source_filter, name=str(uuid.uuid4()))

    def send(self, opcode, subject, body):
        self.sequence += 1
        self.sender.send(
            Message(
                body=body,
                subject=subject,
                reply_to=TOPIC + "/" + self.key,
                correlation_id=str(self.sequence),
                content_type="amqp/list" if isinstance(body, list) else "amqp/map",
                properties={"x-amqp-0-10.app-id": "qmf2", "method": "request", "qmf.opcode": opcode},
            )
        )
        return str(self.sequence)

    def next_reply(self, correlation_id):
        deadline = time.time() + TIMEOUT
        while time.time() < deadline:
            message = self.replies.receive(timeout=TIMEOUT)
            if message.correlation_id == correlation_id:
                return message
        raise SystemExit("no answer to request " + correlation_id)

    def request(self, opcode, subject, body):
        """Sends a request and gives its answers' opcode, content and items or map, all parts together."""
        correlation_id = self.send(opcode, subject, body)
        items = []
        while True:
            message = self.next_reply(correlation_id)
            if isinstance(message.body, dict):
                return text(message.properties["qmf.opcode"]), message.body
            items += message.body
            if "partial" not in message.properties:
                return text(message.properties["qmf.opcode"]), items

    def next_event(self):
        message = self.events.receive(timeout=TIMEOUT)
        return message.body[0]


def check(what, holds, shown=""):
    print(("ok   " if holds else "FAIL ") + what + (": " + str(shown) if shown != "" else ""))
    if not holds:
        raise SystemExit(1)


def main(address):
    console = Console(address)

    predicate = [
        "and",
        ["eq", "_vendor", ["quote", "redhat.com"]],
        ["eq", "_product", ["quote", "imagefactory"]],
    ]
    opcode, located = console.request("_agent_locate_request", "console.request.agent_locate", predicate)
    agent = located["_values"]
    check("the agent is found by vendor and product", opcode == "_agent_locate_response", agent["_name"])
    route = agent["_direct_subject"]

    query = {
        "_what": "OBJECT",
        "_schema_id": {"_package_name": "com.redhat.imagefactory", "_class_name": "ImageFactory", "_type": "_data"},
    }
    _, factories = console.request("_query_request", route, query)
    check("the query by class gives one factory", len(factories) == 1, factories[0]["_object_id"]["_object_name"])

    _, schemas = console.request("_query_request", route, {"_what": "SCHEMA", "_schema_id": factories[0]["_schema_id"]})
    arguments = [argument["_name"] for argument in schemas[0]["_methods"][0]["_arguments"]]
    check(
        "the schema has the arguments in the order of 2011",
        arguments == ["descriptor", "target", "image_uuid", "sec_credentials", "build_adaptor"],
    )
    check("the schema's hash is a uuid", isinstance(schemas[0]["_schema_id"]["_hash"], uuid.UUID))

    call = {
        "_object_id": factories[0]["_object_id"],
        "_method_name": "build_image",
        "_arguments": {
            "descriptor": "<template></template>",
            "target": "mock",
            "image_uuid": "foo",
            "sec_credentials": "bar",
        },
    }
    opcode, answer = console.request("_method_request", route, call)
    check("build_image is answered", opcode == "_method_response")
    adaptor = answer["_arguments"]["build_adaptor"]
    check("with the address of an adaptor", adaptor["_object_name"].startswith("build_adaptor-"), adaptor["_object_name"])

    _, adaptors = console.request("_query_request", route, {"_what": "OBJECT", "_object_id": adaptor})
    check("the adaptor is queryable at once", len(adaptors) == 1, adaptors[0]["_values"]["status"])

    statuses, percents = [], []
    while not statuses or statuses[-1] not in ("COMPLETED", "FAILED"):
        event = console.next_event()
        values = event["_values"]
        if values["addr"]["_object_name"] != adaptor["_object_name"]:
            continue
        if values["event"] == "STATUS":
            statuses.append(values["new_status"])
        elif values["event"] == "PERCENTAGE":
            percents.append(values["percent_complete"])
    check("its events lead to COMPLETED", statuses[-1] == "COMPLETED", " ".join(statuses))
    check("its percentage never goes back", percents == sorted(percents) and len(percents) > 0, percents)

    _, adaptors = console.request("_query_request", route, {"_what": "OBJECT", "_object_id": adaptor})
    values = adaptors[0]["_values"]
    check("the finished adaptor names its image", values["finished_image"] != "", values["finished_image"])

    bad_calls = {
        "a missing argument": {"target": "mock"},
        "an unknown argument": {"descriptor": "<template/>", "target": "mock", "colour": "red"},
        "an argument of the wrong type": {"descriptor": "<template/>", "target": {"a": "map"}},
        "an unknown target": {"descriptor": "<template></template>", "target": "moon"},
        "an empty descriptor": {"descriptor": "", "target": "mock"},
        "a descriptor that is no XML": {"descriptor": "no xml", "target": "mock"},
    }
    for what, wrong in bad_calls.items():
        opcode, answer = console.request("_method_request", route, dict(call, _arguments=wrong))
        check(what + " is refused with a text", opcode == "_exception", answer["_values"]["error_text"])
    opcode, answer = console.request("_query_request", route, {"_what": "NONSENSE"})
    check("a query for nonsense is refused with a text", opcode == "_exception", answer["_values"]["error_text"])
    opcode, answer = console.request("_query_request", route, dict(query, _where=["eq"]))
    check("a malformed predicate is refused with a text", opcode == "_exception", answer["_values"]["error_text"])

    console.connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
