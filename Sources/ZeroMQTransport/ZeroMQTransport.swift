// ZeroMQTransport
