<<<<<<< HEAD
"""Hemline's own small AWS clients: DynamoDB, Kinesis and S3. Start at `client`."""
=======
"""Hemline's own AWS clients for DynamoDB, Kinesis and S3, over kept-alive connections. Start at `client`."""
>>>>>>> p5
