"""The MQTT bus: topics and payloads, the publisher, and the embedded broker for when none is named."""
