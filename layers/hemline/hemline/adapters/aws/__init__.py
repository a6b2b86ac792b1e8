"""Our own lean AWS clients: DynamoDB, Kinesis and S3 over kept connections. Begin with `client`."""
