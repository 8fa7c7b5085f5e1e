// Whole objects: the streaming reader of object_codec.h, and encoding and decoding in one call.
#include <algorithm>

#include "core/base/hash.h"
#include "core/repo/envelope/object_codec.h"
#include "core/repo/envelope/object_header.h"

namespace pitr {

struct ObjectStreamReader::State {
  ObjectKind expected;
  std::string object_key;
  ObjectDecoder decoder;
  Sink sink;
  ContentHash hash;
  Bytes pending;  // the beginning of what is needed next, when it came in pieces
  size_t needed = kObjectHeaderBytes;
  enum { kHeader, kFrameHeader, kFrame, kDone } expects = kHeader;
  ObjectDecoder::FrameInfo frame{};
  Bytes plain;          // of the frame in hand; capacity is kept
  uint64_t offset = 0;  // of what is needed next
  uint64_t plain_total = 0;
  uint64_t frames = 0;
  Status failed;  // sticks

  State(ObjectKind e, std::string k, const RepositoryKey* key, Sink s)
      : expected(e), object_key(std::move(k)), decoder(key), sink(std::move(s)) {}

  Status Bad(const std::string& why) const {
    return {Code::kCorruption, "object \"" + object_key + "\" at offset " + std::to_string(offset) + ": " + why};
  }
  Status Take(ByteView item);
  Status TakeFrame(ByteView item);
  Status CheckEnd() const;
  Status Feed(ByteView stored);
};

// One header, frame header or whole frame. A frame header is seen twice: alone, to learn how long the frame is, and
// then as its beginning.
Status ObjectStreamReader::State::Take(ByteView item) {
  switch (expects) {
    case kHeader:
      PITR_TRY(decoder.Open(expected, object_key, item));
      offset = kObjectHeaderBytes;
      expects = kFrameHeader;
      needed = kFrameHeaderBytes;
      return Status::Ok();
    case kFrameHeader: {
      auto info = decoder.PeekFrame(item);
      if (!info.ok()) return std::move(info).status().Annotate("at offset " + std::to_string(offset));
      frame = info.value();
      expects = kFrame;
      needed = frame.stored_bytes;
      return Status::Ok();
    }
    case kFrame:
      return TakeFrame(item);
    case kDone:
      break;
  }
  return Bad("there are bytes after the end frame");
}

Status ObjectStreamReader::State::TakeFrame(ByteView item) {
  plain.resize(frame.plain_bytes);
  PITR_TRY(decoder.DecodeFrame(offset, item, plain));
  if (frame.type == FrameType::kEnd) {
    PITR_TRY(CheckEnd());
    expects = kDone;
    needed = 1;
  } else {
    hash.Update(plain);
    plain_total += plain.size();
    frames++;
    PITR_TRY(sink(plain));
    expects = kFrameHeader;
    needed = kFrameHeaderBytes;
  }
  offset += item.size();
  return Status::Ok();
}

Status ObjectStreamReader::State::CheckEnd() const {
  const EndContent end = DecodeEndContent(std::span<const uint8_t, kEndPlainBytes>(plain.data(), kEndPlainBytes));
  if (end.plain_bytes != plain_total || end.frames != frames)
    return Bad("its end frame speaks of " + std::to_string(end.plain_bytes) + " bytes in " +
               std::to_string(end.frames) + " frames, there were " + std::to_string(plain_total) + " in " +
               std::to_string(frames));
  // A pack's frames carry checks of their own; what stands there is checked by who follows it.
  if (expected != ObjectKind::kPack && end.digest != hash.Digest())
    return Bad("its content does not match the checksum in its end frame");
  return Status::Ok();
}

Status ObjectStreamReader::State::Feed(ByteView stored) {
  while (!stored.empty()) {
    if (pending.empty() && stored.size() >= needed) {  // nothing to join: no copy
      const ByteView item = stored.first(needed);
      const bool keep = expects == kFrameHeader;
      PITR_TRY(Take(item));
      if (!keep) stored = stored.subspan(item.size());
      continue;
    }
    const size_t n = std::min(needed - pending.size(), stored.size());
    pending.insert(pending.end(), stored.begin(), stored.begin() + static_cast<ptrdiff_t>(n));
    stored = stored.subspan(n);
    if (pending.size() < needed) break;
    const bool keep = expects == kFrameHeader;
    PITR_TRY(Take(pending));
    if (!keep) pending.clear();
  }
  return Status::Ok();
}

ObjectStreamReader::ObjectStreamReader(ObjectKind expected, std::string object_key, const RepositoryKey* key, Sink sink)
    : state_(std::make_unique<State>(expected, std::move(object_key), key, std::move(sink))) {}
ObjectStreamReader::~ObjectStreamReader() = default;

Status ObjectStreamReader::Feed(ByteView stored) {
  if (state_->failed.ok()) state_->failed = state_->Feed(stored);
  return state_->failed;
}

Result<uint64_t> ObjectStreamReader::Finish() {
  PITR_TRY(state_->failed);
  if (state_->expects != State::kDone) {
    state_->offset += state_->pending.size();
    state_->failed = state_->Bad("truncated");
    return state_->failed;
  }
  return state_->plain_total;
}

size_t MaxObjectBytes(size_t plain_bytes, size_t frame_plain_bytes) {
  const size_t frames = plain_bytes / frame_plain_bytes + 2;  // one may be short, one is the end frame
  return kObjectHeaderBytes + frames * (kFrameHeaderBytes + kFrameTagBytes) + plain_bytes + kEndPlainBytes;
}

Result<Bytes> EncodeObject(ObjectKind kind, const std::string& object_key, ByteView plain, const RepositoryKey* key,
                           int level, size_t frame_plain_bytes) {
  ObjectEncoder encoder(key, level);
  Bytes out;
  PITR_TRY(encoder.Begin(kind, object_key, out));
  for (size_t done = 0; done < plain.size();) {
    const size_t n = std::min(frame_plain_bytes, plain.size() - done);
    PITR_ASSIGN([[maybe_unused]] FrameRef ref, encoder.AppendFrame(plain.subspan(done, n), out));
    done += n;
  }
  PITR_TRY(encoder.Finish(out));
  return out;
}

Result<Bytes> DecodeObject(ObjectKind expected, const std::string& object_key, ByteView stored,
                           const RepositoryKey* key, size_t max_plain_bytes) {
  Bytes plain;
  ObjectStreamReader reader(expected, object_key, key, [&](ByteView piece) -> Status {
    if (piece.size() > max_plain_bytes - plain.size())
      return {Code::kCorruption,
              "object \"" + object_key + "\" holds more than " + std::to_string(max_plain_bytes) + " bytes"};
    plain.insert(plain.end(), piece.begin(), piece.end());
    return Status::Ok();
  });
  PITR_TRY(reader.Feed(stored));
  PITR_ASSIGN([[maybe_unused]] uint64_t size, reader.Finish());
  return plain;
}

}  // namespace pitr
