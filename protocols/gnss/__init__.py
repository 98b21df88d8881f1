"""What GNSS receivers send: UBX, NMEA 0183 and RTCM 3 messages, mixed in one stream."""
