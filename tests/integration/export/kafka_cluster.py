#!/usr/bin/env python3
"""kafka_cluster.py TOPIC…: librdkafka's own mock cluster of three brokers on the loopback interface, until it is killed. Prints where."""
import ctypes
import sys
import time

kafka = ctypes.CDLL("librdkafka.so.1")
for name, gives, takes in [("rd_kafka_conf_new", ctypes.c_void_p, []),
                           ("rd_kafka_new", ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
                           ("rd_kafka_mock_cluster_new", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
                           ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [ctypes.c_void_p]),
                           ("rd_kafka_mock_topic_create", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int])]:
    getattr(kafka, name).restype = gives
    getattr(kafka, name).argtypes = takes
error = ctypes.create_string_buffer(512)
handle = kafka.rd_kafka_new(0, kafka.rd_kafka_conf_new(), error, len(error))
cluster = kafka.rd_kafka_mock_cluster_new(handle, 3)
for topic in sys.argv[1:]:
    kafka.rd_kafka_mock_topic_create(cluster, topic.encode(), 4, 3)
print(kafka.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
time.sleep(600)
