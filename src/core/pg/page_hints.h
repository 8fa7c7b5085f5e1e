// What may differ between two copies of a page although WAL tells of no change: hints, which PostgreSQL sets without
// logging them where neither data checksums nor wal_log_hints are on, and can do without. Pure; any thread.
//
// Source: MarkBufferDirtyHint() and its callers in 15 to 19; the masks of access/common/bufmask.c, less PD_ALL_VISIBLE,
// which is no hint: the visibility map must agree with it.
#pragma once
#include "core/base/bytes.h"

namespace pitr {

// Both have kPageSize bytes and a sane header. Hints are the checksum, pd_prune_xid and PD_PAGE_FULL of any page; of a
// heap page or a sequence also what tuples know of their transactions (committed, aborted); of an index page also which
// line pointers are known to be dead, and the flag that there are some.
bool DifferInHintsOnly(ByteView a, ByteView b);

}  // namespace pitr
