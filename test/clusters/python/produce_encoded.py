"""Sends encoded messages with the two other Python clients.

Takes one argument, a JSON object: client ("kafka-python" or "aiokafka"), brokers, topic, codec and
messages (a file of lines: key and value in base64, and whether the message is in a transaction
that is aborted, all between tabs).
"""

import asyncio
import base64
import json
import sys

options = json.loads(sys.argv[1])
codec = None if options["codec"] == "none" else options["codec"]


def messages():
    with open(options["messages"], encoding="ascii") as file:
        for line in file:
            key, value, aborted = line.rstrip("\n").split("\t")
            if aborted == "0":
                yield base64.b64decode(key), base64.b64decode(value)


def with_kafka_python():
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=options["brokers"], compression_type=codec, acks="all", linger_ms=20
    )
    sent = [producer.send(options["topic"], key=key, value=value) for key, value in messages()]
    producer.flush()
    for future in sent:
        future.get(timeout=10)
    producer.close()


async def with_aiokafka():
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(
        bootstrap_servers=options["brokers"],
        compression_type=codec,
        enable_idempotence=True,
        linger_ms=20,
    )
    await producer.start()
    try:
        sent = [
            await producer.send(options["topic"], key=key, value=value)
            for key, value in messages()
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


if options["client"] == "aiokafka":
    asyncio.run(with_aiokafka())
else:
    with_kafka_python()
