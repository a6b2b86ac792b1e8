"""Hemline's own AWS clients for DynamoDB, Kinesis and S3, over kept-alive connections. Start at `client`."""
