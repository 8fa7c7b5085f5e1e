// DROP DATABASE marks the database as one that refuses connections before it removes its files, by a change in place
// that holds at once (15.4 and later). Pure; any thread. Format: access/heapam_xlog.h, catalog/pg_database.h.
#pragma once
#include <cstdint>
#include <optional>

#include "core/pg/wal_record.h"

namespace pitr {

// The OID of the database that the record marks; nullopt when it does nothing of the kind, or when that cannot be seen
// because its page is in the record compressed.
std::optional<uint32_t> InvalidatedDatabase(const WalRecord& record);

}  // namespace pitr
