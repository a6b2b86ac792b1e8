"""Hemline's own small AWS clients: DynamoDB, Kinesis and S3 over kept-alive connections. Start at `client`."""
