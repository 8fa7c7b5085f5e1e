#include "core/repo/maps/frame_reader.h"

namespace pitr {

Result<ByteView> FrameReader::Read(const std::string& pack_key, const FrameRef& ref, const OpContext& ctx) {
  if (last_key_ == pack_key && last_offset_ == ref.offset) return ByteView(plain_);
  last_key_.clear();
  if (open_key_ != pack_key) {
    open_key_.clear();
    PITR_ASSIGN(const Bytes header, GetRange(repository_.store(), pack_key, 0, kObjectHeaderBytes, ctx));
    PITR_TRY(decoder_.Open(ObjectKind::kPack, pack_key, header));
    open_key_ = pack_key;
  }
  PITR_ASSIGN(const Bytes stored, GetRange(repository_.store(), pack_key, ref.offset, ref.stored_bytes, ctx));
  if (stored.size() != ref.stored_bytes)
    return Status(Code::kCorruption, "\"" + pack_key + "\" ends inside the frame at " + std::to_string(ref.offset));
  plain_.resize(ref.plain_bytes);
  PITR_TRY(decoder_.DecodeFrame(ref.offset, stored, plain_));
  last_key_ = pack_key;
  last_offset_ = ref.offset;
  return ByteView(plain_);
}

}  // namespace pitr
