"""Scenarios of Qpid Proton: proton_scenarios.py URL SCENARIO QUEUE. Exits with 0 when what must hold holds."""

import sys
import uuid

from proton import (
    Array, Data, Delivery, Described, Link, Message, timestamp, byte, char, decimal64, float32, int32, short, symbol, ubyte,
    uint, ulong, ushort, UNDESCRIBED,
)
from proton.handlers import MessagingHandler, TransactionHandler
from proton.reactor import Container, LinkOption
from proton.utils import BlockingConnection, LinkDetached, SendException

TIMEOUT = 10

BODIES = {
    "boolean": True, "ubyte": ubyte(255), "ushort": ushort(65535), "uint": uint(2 ** 32 - 1),
    "ulong": ulong(2 ** 64 - 1), "byte": byte(-128), "short": short(-32768), "int": int32(-2 ** 31),
    "long": -2 ** 63, "small long": -1, "float": float32(0.5), "double": 1.25, "decimal": decimal64(77),
    "char": char("\u00e4"), "timestamp": timestamp(1700000000123), "uuid": uuid.UUID(int=5), "binary": b"\x00\xff",
    "string": "text \u2603", "symbol": symbol("symbol"), "list": [1, "two", [3.5, None]],
    "map": {"a": 1, symbol("b"): {"c": ulong(2)}, 3: "three"},
    "array": Array(UNDESCRIBED, Data.INT, 1, -2, 3), "large": "x" * 300000,
    "described": Described(symbol("my:type"), "value"),
}


def queue_address(queue):
    return "/queues/" + queue


class Session:
    """A connection with a sender to the queue and a receiver from it."""

    def __init__(self, url, queue):
        self.connection = BlockingConnection(url, timeout=TIMEOUT, sasl_enabled=True)
        self.sender = self.connection.create_sender(queue_address(queue))
        self.address = queue_address(queue)

    def receiver(self, credit=1):
        return self.connection.create_receiver(self.address, credit=credit)


def bodies(url, queue):
    """Every kind of body comes back as it was sent, and so do properties, annotations and application properties."""
    session = Session(url, queue)
    receiver = session.receiver()
    for name, body in BODIES.items():
        message = Message(body=body, inferred=name == "binary")
        session.sender.send(message)
        received = receiver.receive(timeout=TIMEOUT)
        receiver.accept()
        if name == "timestamp":
            assert int(received.body) == int(body), name
        elif name == "described":
            assert received.body.descriptor == body.descriptor and received.body.value == body.value, name
        else:
            assert received.body == body and type(received.body) == type(body), (name, received.body)
        assert received.inferred == message.inferred, name
    session.connection.close()


def properties(url, queue):
    session = Session(url, queue)
    receiver = session.receiver()
    sent = Message(
        id=uuid.UUID(int=7), correlation_id=ulong(9), user_id=b"guest", address="/queues/x", subject="subject",
        reply_to="/queues/reply%20to", content_type=symbol("text/plain"), content_encoding=symbol("gzip"),
        expiry_time=4000000000, creation_time=1700000000.25, group_id="group", group_sequence=3,
        reply_to_group_id="reply group", durable=True, priority=8, ttl=60.0,
        properties={"s": "t", "i": int32(-5), "u": ulong(2 ** 63), "f": float32(0.5), "b": False, "c": char("z"), "n": None},
        annotations={symbol("x-a"): "b", symbol("x-array"): Array(UNDESCRIBED, Data.UINT, 1, 2)},
        body="body",
    )
    session.sender.send(sent)
    received = receiver.receive(timeout=TIMEOUT)
    receiver.accept()
    for name in (
        "id", "correlation_id", "user_id", "address", "subject", "reply_to", "content_type", "content_encoding",
        "expiry_time", "creation_time", "group_id", "group_sequence", "reply_to_group_id", "durable", "priority", "ttl",
        "properties", "body",
    ):
        assert getattr(received, name) == getattr(sent, name), (name, getattr(received, name))
    for key, value in sent.annotations.items():
        assert received.annotations[key] == value, key
    assert received.annotations["x-exchange"] == "" and received.annotations["x-routing-key"] == queue
    assert received.first_acquirer and received.delivery_count == 0
    session.connection.close()


def outcomes(url, queue):
    """Released comes again untouched; accepted is gone; what nothing takes is released; a bad address is refused."""
    session = Session(url, queue)
    receiver = session.receiver()
    session.sender.send(Message(body="1"))
    assert receiver.receive(timeout=TIMEOUT).body == "1"
    receiver.release(delivered=False)
    again = receiver.receive(timeout=TIMEOUT)
    assert again.body == "1" and not again.first_acquirer
    receiver.accept()
    nowhere = session.connection.create_sender("/exchanges/amq.direct/" + queue)
    try:
        nowhere.send(Message(body="2"))
        raise AssertionError("unroutable, and not released")
    except SendException as error:
        assert error.state == Delivery.RELEASED, error.state
    try:
        session.connection.create_sender("/queues/" + queue + ".none")
        raise AssertionError("no such queue, and not refused")
    except LinkDetached as error:
        assert error.condition == "amqp:not-found", error.condition
    session.connection.close()


def anonymous(url, queue):
    session = Session(url, queue)
    relay = session.connection.create_sender(None)
    relay.send(Message(address=queue_address(queue), body="relayed"))
    receiver = session.receiver()
    assert receiver.receive(timeout=TIMEOUT).body == "relayed"
    receiver.accept()
    session.connection.close()


class Drain(MessagingHandler):
    def __init__(self, url, queue):
        super().__init__(prefetch=0)
        self.url, self.queue, self.bodies = url, queue, []

    def on_start(self, event):
        self.connection = event.container.connect(self.url)
        self.sender = event.container.create_sender(self.connection, queue_address(self.queue))
        self.sent = 0

    def on_sendable(self, event):
        while self.sent < 3:
            event.sender.send(Message(body=str(self.sent)))
            self.sent += 1

    def on_accepted(self, event):
        if event.link == self.sender and self.sent == 3:
            self.sent = 4
            receiver = event.container.create_receiver(self.connection, queue_address(self.queue))
            receiver.drain(10)

    def on_message(self, event):
        self.bodies.append(event.message.body)

    def on_link_flow(self, event):
        if event.link.is_receiver and self.bodies and event.link.credit == 0:
            event.connection.close()


def drain(url, queue):
    handler = Drain(url, queue)
    Container(handler).run()
    assert handler.bodies == ["0", "1", "2"], handler.bodies


class Transacted(MessagingHandler, TransactionHandler):
    """Commits two messages, aborts two more, then commits two."""

    def __init__(self, url, queue):
        super().__init__()
        self.url, self.queue, self.round, self.transaction = url, queue, 0, None

    def on_start(self, event):
        self.container = event.container
        self.connection = event.container.connect(self.url)
        self.sender = event.container.create_sender(self.connection, queue_address(self.queue))
        self.container.declare_transaction(self.connection, handler=self)

    def on_transaction_declared(self, event):
        self.transaction = event.transaction
        self.accepted = 0
        for index in range(2):
            self.transaction.send(self.sender, Message(body="%d.%d" % (self.round, index)))
        (self.transaction.abort if self.round == 1 else self.transaction.commit)()

    def on_transaction_committed(self, event):
        self.next_round()

    def on_transaction_aborted(self, event):
        self.next_round()

    def next_round(self):
        self.round += 1
        if self.round == 3:
            self.connection.close()
        else:
            self.container.declare_transaction(self.connection, handler=self)


def transactions(url, queue):
    Container(Transacted(url, queue)).run()
    session = Session(url, queue)
    receiver = session.receiver(credit=10)
    received = [receiver.receive(timeout=TIMEOUT).body for _ in range(4)]
    assert received == ["0.0", "0.1", "2.0", "2.1"], received
    for _ in received:
        receiver.accept()
    session.connection.close()


def throughput(url, queue):
    """Many messages, in order, with credit topped up on both sides."""
    count = 3000

    class Flow(MessagingHandler):
        def __init__(self):
            super().__init__(prefetch=100)
            self.sent, self.received = 0, 0

        def on_start(self, event):
            connection = event.container.connect(url)
            event.container.create_receiver(connection, queue_address(queue))
            event.container.create_sender(connection, queue_address(queue))

        def on_sendable(self, event):
            while event.sender.credit and self.sent < count:
                event.sender.send(Message(body=self.sent))
                self.sent += 1

        def on_message(self, event):
            assert event.message.body == self.received, (event.message.body, self.received)
            self.received += 1
            if self.received == count:
                event.connection.close()

    flow = Flow()
    Container(flow).run()
    assert flow.received == count


class ReceiverSettlesSecond(LinkOption):
    def apply(self, link):
        link.rcv_settle_mode = Link.RCV_SECOND


def settle_second(url, queue):
    """With rcv-settle-mode second the sender is the first to settle, in both directions."""
    count = 500

    class Flow(MessagingHandler):
        def __init__(self):
            super().__init__(prefetch=100, auto_accept=False, auto_settle=False)
            self.sent, self.accepted, self.settled = 0, 0, 0

        def on_start(self, event):
            connection = event.container.connect(url)
            event.container.create_receiver(connection, queue_address(queue), options=ReceiverSettlesSecond())
            event.container.create_sender(connection, queue_address(queue), options=ReceiverSettlesSecond())

        def on_link_opened(self, event):
            assert event.link.remote_rcv_settle_mode == Link.RCV_SECOND

        def on_sendable(self, event):
            while event.sender.credit and self.sent < count:
                event.sender.send(Message(body=self.sent))
                self.sent += 1

        def on_accepted(self, event):
            assert not event.delivery.settled
            event.delivery.settle()
            self.accepted += 1
            self.end(event)

        def on_message(self, event):
            event.delivery.update(Delivery.ACCEPTED)

        def on_settled(self, event):
            if not event.link.is_receiver:
                return
            event.delivery.settle()
            self.settled += 1
            self.end(event)

        def end(self, event):
            if self.accepted == count and self.settled == count:
                event.connection.close()

    flow = Flow()
    Container(flow).run()
    assert (flow.accepted, flow.settled) == (count, count), (flow.accepted, flow.settled)


SCENARIOS = [bodies, properties, outcomes, anonymous, drain, transactions, settle_second, throughput]

if __name__ == "__main__":
    _, broker_url, scenario_name, queue_name = sys.argv
    {scenario.__name__: scenario for scenario in SCENARIOS}[scenario_name](broker_url, queue_name)
