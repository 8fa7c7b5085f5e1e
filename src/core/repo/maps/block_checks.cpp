#include "core/repo/maps/block_checks.h"

#include <algorithm>
#include <cassert>

#include "core/base/hash.h"
#include "core/repo/envelope/object_header.h"

namespace pitr {
namespace {

constexpr size_t kRefBytes = 16;
constexpr size_t kRecordBytes = 16;

size_t BlocksOf(size_t bytes) { return (bytes + kCheckedBlockBytes - 1) / kCheckedBlockBytes; }

template <class T>
void Append(Bytes& out, T value) {
  out.resize(out.size() + sizeof(T));
  StoreLe(out.data() + out.size() - sizeof(T), value);
}

Status Bad(const std::string& key, const std::string& why) {
  return {Code::kCorruption, "the block checks of \"" + key + "\" cannot be used: " + why};
}

// The frame at `ref`, whose stored bytes these should be.
Status DecodePlace(ObjectDecoder& decoder, const std::string& key, const FrameRef& ref, FrameType type, ByteView stored,
                   Bytes& plain) {
  if (stored.size() != ref.stored_bytes || stored.size() < kFrameHeaderBytes)
    return Bad(key, "it ends inside the frame at " + std::to_string(ref.offset));
  PITR_ASSIGN(const ObjectDecoder::FrameInfo info, decoder.PeekFrame(stored.first(kFrameHeaderBytes)));
  if (info.type != type || info.stored_bytes != ref.stored_bytes || info.plain_bytes != ref.plain_bytes)
    return Bad(key, "there is another frame at " + std::to_string(ref.offset));
  plain.resize(ref.plain_bytes);
  return decoder.DecodeFrame(ref.offset, stored, plain);
}

}  // namespace

void BlockCheckLog::Add(const FrameRef& frame, ByteView plain) {
  assert(frame.plain_bytes == plain.size());
  Append(content_, frame.offset);
  Append(content_, static_cast<uint32_t>(plain.size()));
  Append(content_, uint32_t{0});
  for (size_t at = 0; at < plain.size(); at += kCheckedBlockBytes)
    Append(content_, Xxh3Of(plain.subspan(at, std::min<size_t>(kCheckedBlockBytes, plain.size() - at))));
}

bool BlockCheckLog::empty() const {
  assert(content_.size() >= kRefBytes);
  return content_.size() == kRefBytes;
}

bool BlockCheckLog::full() const { return content_.size() >= kDataFramePlainBytes; }

ByteView BlockCheckLog::Content(const FrameRef& previous) {
  const auto ref = EncodeFrameRef(previous);
  std::copy(ref.begin(), ref.end(), content_.begin());
  return content_;
}

void BlockCheckLog::Clear() { content_.assign(kRefBytes, 0); }

Status WalkCheckFrames(ObjectDecoder& decoder, const std::string& pack_key, const FrameRef& last, const FrameRef& end,
                       const StoredFrameReader& read, const CheckFrameSink& each, FrameRef& at) {
  Bytes stored, plain;
  at = end;
  for (FrameRef ref = last; ref.offset != 0;) {
    // From the end to the beginning, so that it comes to an end.
    if (ref.offset < kObjectHeaderBytes || ref.offset > at.offset || ref.stored_bytes > at.offset - ref.offset ||
        ref.plain_bytes < kRefBytes || ref.plain_bytes > kMaxFramePlainBytes)
      return Bad(pack_key, "a frame at " + std::to_string(ref.offset) + " is out of place");
    at = ref;
    PITR_TRY(read(ref, stored));
    PITR_TRY(DecodePlace(decoder, pack_key, ref, FrameType::kData, stored, plain));
    PITR_TRY(each(ref, ByteView(plain).subspan(kRefBytes)));
    ref = DecodeFrameRef(std::span<const uint8_t, kRefBytes>(plain.data(), kRefBytes));
  }
  return Status::Ok();
}

Result<BlockChecks> BlockChecks::Load(const Repository& repository, const PackEntry& pack, const OpContext& ctx) {
  ObjectStore& store = repository.store();
  ObjectDecoder decoder(repository.key());
  BlockChecks checks;
  const auto read = [&](const FrameRef& ref, Bytes& stored) -> Status {
    PITR_ASSIGN(stored, GetRange(store, pack.key, ref.offset, ref.stored_bytes, ctx));
    checks.stored_bytes_ += stored.size();
    return Status::Ok();
  };
  PITR_ASSIGN(const Bytes header, GetRange(store, pack.key, 0, kObjectHeaderBytes, ctx));
  PITR_TRY(decoder.Open(ObjectKind::kPack, pack.key, header));
  const size_t end_bytes = kFrameHeaderBytes + kEndPlainBytes + (repository.key() != nullptr ? kFrameTagBytes : 0);
  if (pack.size_bytes < kObjectHeaderBytes + end_bytes) return Bad(pack.key, "it is too short");
  const FrameRef end{pack.size_bytes - end_bytes, static_cast<uint32_t>(end_bytes), kEndPlainBytes};
  Bytes stored, plain;
  PITR_TRY(read(end, stored));
  PITR_TRY(DecodePlace(decoder, pack.key, end, FrameType::kEnd, stored, plain));
  const FrameRef last =
      DecodeFrameRef(DecodeEndContent(std::span<const uint8_t, kEndPlainBytes>(plain.data(), kEndPlainBytes)).digest);
  const auto parse = [&](const FrameRef&, ByteView content) {
    return checks.Parse(content).Annotate("reading \"" + pack.key + "\"");
  };
  FrameRef at;
  PITR_TRY(WalkCheckFrames(decoder, pack.key, last, end, read, parse, at));
  std::sort(checks.frames_.begin(), checks.frames_.end(),
            [](const Frame& a, const Frame& b) { return a.offset < b.offset; });
  return checks;
}

Status BlockChecks::Parse(ByteView content) {
  while (!content.empty()) {
    Status cut(Code::kCorruption, "block checks end within a record");
    if (content.size() < kRecordBytes) return cut;
    const Frame frame{LoadLe<uint64_t>(content.data()), LoadLe<uint32_t>(content.data() + 8), checks_.size()};
    const size_t blocks = BlocksOf(frame.plain_bytes);
    content = content.subspan(kRecordBytes);
    if (content.size() / sizeof(uint64_t) < blocks) return cut;
    for (size_t i = 0; i < blocks; i++) checks_.push_back(LoadLe<uint64_t>(content.data() + i * sizeof(uint64_t)));
    content = content.subspan(blocks * sizeof(uint64_t));
    frames_.push_back(frame);
  }
  return Status::Ok();
}

bool BlockChecks::Prove(const FrameRef& frame, uint32_t frame_offset, ByteView bytes) const {
  const auto found = std::lower_bound(frames_.begin(), frames_.end(), frame.offset,
                                      [](const Frame& a, uint64_t offset) { return a.offset < offset; });
  if (found == frames_.end() || found->offset != frame.offset || found->plain_bytes != frame.plain_bytes) return false;
  const uint64_t end = uint64_t{frame_offset} + bytes.size();
  if (bytes.empty() || frame_offset % kCheckedBlockBytes != 0 || end > frame.plain_bytes ||
      (end % kCheckedBlockBytes != 0 && end != frame.plain_bytes))
    return false;
  assert(found->first + BlocksOf(found->plain_bytes) <= checks_.size());
  const uint64_t* check = checks_.data() + found->first + frame_offset / kCheckedBlockBytes;
  for (size_t at = 0; at < bytes.size(); at += kCheckedBlockBytes)
    if (Xxh3Of(bytes.subspan(at, std::min<size_t>(kCheckedBlockBytes, bytes.size() - at))) != *check++) return false;
  return true;
}

}  // namespace pitr
