# A stock console without a filter: it sends no locate request, and lists agents as their heartbeats come.
import sys
import time

import cqpid
from qmf2 import *

connection = cqpid.Connection(sys.argv[1])
session = ConsoleSession(connection)
connection.open()
session.open()
begun = time.time()
while time.time() - begun < 20:
    if any(agent.getProduct() == "imagefactory" for agent in session.getAgents()):
        print("listed after %d ms" % ((time.time() - begun) * 1000))
        sys.stdout.flush()
        session.close()
        connection.close()
        sys.exit(0)
    time.sleep(0.01)
print("not listed")
sys.exit(1)
