# The console session of 2011, for the Python bindings of that time (cqpid and qmf2, which came with Qpid C++).
import sys
import time

import cqpid
from qmf2 import *

connection = cqpid.Connection(sys.argv[1] if len(sys.argv) > 1 else "localhost")
session = ConsoleSession(connection)
connection.open()
session.open()

factory = None
while factory is None:
    time.sleep(0.5)
    for agent in session.getAgents():
        if agent.getVendor() == "redhat.com" and agent.getProduct() == "imagefactory":
            factory = agent.query("{class:ImageFactory, package:'com.redhat.imagefactory'}")[0]
            break

response = factory.build_image("<template></template>", "mock", "foo", "bar")
query = Query(DataAddr(response["build_adaptor"]))
status = None
while status not in ("COMPLETED", "FAILED"):
    time.sleep(0.2)
    if agent.query(query)[0].status != status:
        status = agent.query(query)[0].status
        print(status)
