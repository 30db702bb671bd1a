# A receiver of AMQP 1.0 that asks for nothing, as a stock console without a filter does: it waits for heartbeats.
import sys

from proton import symbol, Described
from proton.reactor import Filter
from proton.utils import BlockingConnection

connection = BlockingConnection(sys.argv[1], allowed_mechs="ANONYMOUS", timeout=50)
BINDING = symbol("apache.org:legacy-amqp-topic-binding:string")
listen = Filter({symbol("key"): Described(BINDING, "agent.#")})
receiver = connection.create_receiver("qmf.default.topic", credit=100, options=listen)
while True:
    properties = receiver.receive(timeout=50).properties or {}
    if properties.get("qmf.opcode") == "_agent_heartbeat_indication" and "imagefactory" in str(properties.get("qmf.agent")):
        print("heartbeat")
        break
connection.close()
