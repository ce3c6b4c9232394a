"""What travels over the socket: names, types, strict JSON, and the OpenRPC document made from them."""
