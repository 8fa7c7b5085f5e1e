// Reads packs: header, every frame that a backup refers to, end frame; each once, in large reads, by several threads.
// Every frame is decoded, every extent's checksum compared with the decoded bytes.
//
// Memory: jobs * (kPackReadBytes + two frames), and what CollectFrames takes for one window of packs.
#pragma once
#include "core/verify/pack_frames.h"
#include "core/verify/shared.h"

namespace pitr {

// Adds findings about packs; whom they hurt is looked up later (NameFiles). An error: cancelled, or the store does not
// answer; what was done until then is in the journal.
Status CheckPackData(VerifyShared& shared, const CheckedPacks& table);

// Stored bytes that CheckPackData will read, about.
uint64_t EstimatePackBytes(const VerifyRequest& request, const CheckedPacks& table);

}  // namespace pitr
