"""Hemline's own small AWS clients: DynamoDB, Kinesis and S3. Start at `client`."""
