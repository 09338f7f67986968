//! Where things lie on disk: sockets, session records, caches.
