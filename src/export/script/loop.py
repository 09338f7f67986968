# One event loop for all, as in the session.
_loop = asyncio.new_event_loop()
asyncio.set_event_loop(_loop)
