"""Logs to examples/logging_receiver.ts: the client in Python's logging cookbook, with JSON.

python3 examples/logging_client.py 9020
"""

import json
import logging
import logging.handlers
import struct
import sys


class JSONSocketHandler(logging.handlers.SocketHandler):
    """Sends records as JSON, where its base class sends pickles."""

    def makePickle(self, record):
        fields = {
            "name": record.name,
            "levelname": record.levelname,
            # With the traceback, if there is one.
            "message": self.format(record),
        }
        data = json.dumps(fields).encode()
        return struct.pack(">L", len(data)) + data


port = int(sys.argv[1]) if len(sys.argv) > 1 else logging.handlers.DEFAULT_TCP_LOGGING_PORT
rootLogger = logging.getLogger("")
rootLogger.setLevel(logging.DEBUG)
rootLogger.addHandler(JSONSocketHandler("127.0.0.1", port))

logging.info("Jackdaws love my big sphinx of quartz.")

logger1 = logging.getLogger("myapp.area1")
logger2 = logging.getLogger("myapp.area2")

logger1.debug("Quick zephyrs blow, vexing daft Jim.")
logger1.info("How quickly daft jumping zebras vex.")
logger2.warning("Jail zesty vixen who grabbed pay from quack.")
logger2.error("The five boxing wizards jump quickly.")
