"""Hemline's own small AWS clients: DynamoDB, Kinesis and S3. Begin with `client`."""
