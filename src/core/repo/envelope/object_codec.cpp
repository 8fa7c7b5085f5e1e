#include "core/repo/envelope/object_codec.h"

#include <algorithm>

#include "core/base/aead.h"
#include "core/base/hash.h"
#include "core/base/kdf.h"
#include "core/base/zstd.h"
#include "core/repo/envelope/object_header.h"

namespace pitr {

static_assert(kFrameTagBytes == kAeadTagBytes);

namespace {

Status SetObjectKey(AesGcm& aead, const RepositoryKey& key, const ObjectHeader& header, const std::string& object_key) {
  static constexpr std::string_view kPurpose = "pg_pitr object v1";
  Bytes info(kPurpose.begin(), kPurpose.end());
  info.push_back(0);
  info.insert(info.end(), object_key.begin(), object_key.end());
  std::array<uint8_t, kAeadKeyBytes> derived;
  Status status = HkdfSha256(key.secret, header.salt, info, derived);
  if (status.ok()) status = aead.SetKey(derived);
  Wipe(derived);
  return status;
}

AesGcm::Nonce NonceAt(uint64_t offset) {
  AesGcm::Nonce nonce{};
  StoreLe(nonce.data(), offset);
  return nonce;
}

}  // namespace

struct ObjectEncoder::State {
  const RepositoryKey* key;
  int level;
  ZstdCompressor zstd;
  std::unique_ptr<AesGcm> aead;
  ContentHash hash;
  // A compressed frame before its length is known. Not a vector: those zero what they hand out, for nothing here.
  std::unique_ptr<uint8_t[]> scratch;
  size_t scratch_bytes = 0;
  std::array<uint8_t, kObjectHeaderBytes> header;
  bool begun = false;
  bool hashed = false;
  uint64_t offset = 0;
  uint64_t plain_total = 0;
  uint64_t frames = 0;

  State(const RepositoryKey* k, int l) : key(k != nullptr && k->number != 0 ? k : nullptr), level(l), zstd(l) {
    if (key != nullptr) aead = std::make_unique<AesGcm>();
  }
  Result<FrameRef> Append(FrameType type, ByteView plain, Bytes& out);
  Result<ByteView> Compress(ByteView plain);
};

ObjectEncoder::ObjectEncoder(const RepositoryKey* key, int level) : state_(std::make_unique<State>(key, level)) {}
ObjectEncoder::~ObjectEncoder() = default;

Status ObjectEncoder::Begin(ObjectKind kind, const std::string& object_key, Bytes& out) {
  State& s = *state_;
  ObjectHeader header;
  header.kind = kind;
  header.cipher = s.key != nullptr ? Cipher::kAes256Gcm : Cipher::kNone;
  header.key_number = s.key != nullptr ? s.key->number : 0;
  PITR_TRY(RandomBytes(header.salt));
  s.header = EncodeObjectHeader(header, object_key);
  if (s.key != nullptr) PITR_TRY(SetObjectKey(*s.aead, *s.key, header, object_key));
  s.hashed = kind != ObjectKind::kPack;
  s.hash.Reset();
  s.offset = kObjectHeaderBytes;
  s.plain_total = s.frames = 0;
  s.begun = true;
  out.insert(out.end(), s.header.begin(), s.header.end());
  return Status::Ok();
}

// The compressed bytes in the scratch buffer, or, if they would not be fewer, `plain` itself.
Result<ByteView> ObjectEncoder::State::Compress(ByteView plain) {
  if (scratch_bytes < plain.size()) {
    scratch.reset(new uint8_t[plain.size()]);
    scratch_bytes = plain.size();
  }
  PITR_ASSIGN(const size_t packed, zstd.Compress(plain, {scratch.get(), plain.size() - 1}));
  return packed > 0 ? ByteView(scratch.get(), packed) : plain;
}

Result<FrameRef> ObjectEncoder::State::Append(FrameType type, ByteView plain, Bytes& out) {
  ByteView content = plain;
  if (level > 0 && type == FrameType::kData) { PITR_ASSIGN(content, Compress(plain)); }

  const size_t tag = key != nullptr ? kFrameTagBytes : 0;
  FrameHeader frame;
  frame.type = type;
  frame.plain_len = static_cast<uint32_t>(plain.size());
  frame.codec = content.data() != plain.data() ? Codec::kZstd : Codec::kNone;
  frame.stored_len = static_cast<uint32_t>(content.size() + tag);
  frame.check = key == nullptr ? Xxh3Of(content) : 0;

  const size_t start = out.size();
  out.resize(start + kFrameHeaderBytes);
  EncodeFrameHeader(frame, out.data() + start);
  if (key == nullptr) {
    out.insert(out.end(), content.begin(), content.end());
  } else {
    out.resize(out.size() + frame.stored_len);
    const ByteView frame_header(out.data() + start, kFrameHeaderBytes);
    PITR_TRY(aead->Seal(NonceAt(offset), header, frame_header, content, out.data() + start + kFrameHeaderBytes));
  }
  FrameRef ref{offset, static_cast<uint32_t>(kFrameHeaderBytes + frame.stored_len), frame.plain_len};
  offset += ref.stored_bytes;
  return ref;
}

Result<FrameRef> ObjectEncoder::AppendFrame(ByteView plain, Bytes& out) {
  State& s = *state_;
  if (!s.begun) return Status(Code::kInternal, "a frame was appended to an object that was not begun");
  if (plain.empty() || plain.size() > kMaxFramePlainBytes)
    return Status(Code::kInternal, "a frame of " + std::to_string(plain.size()) + " bytes cannot be stored");
  PITR_ASSIGN(FrameRef ref, s.Append(FrameType::kData, plain, out));
  if (s.hashed) s.hash.Update(plain);
  s.plain_total += plain.size();
  s.frames++;
  return ref;
}

Status ObjectEncoder::Finish(Bytes& out, const FrameRef& block_checks) {
  State& s = *state_;
  if (!s.begun) return {Code::kInternal, "an object was finished that was not begun"};
  s.begun = false;
  EndContent end{s.plain_total, s.frames, {}};
  if (s.hashed) {
    end.digest = s.hash.Digest();
  } else {
    end.digest = EncodeFrameRef(block_checks);
  }
  const auto content = EncodeEndContent(end);
  PITR_ASSIGN([[maybe_unused]] FrameRef ref, s.Append(FrameType::kEnd, content, out));
  return Status::Ok();
}

struct ObjectDecoder::State {
  const RepositoryKey* key;
  ZstdDecompressor zstd;
  std::unique_ptr<AesGcm> aead;
  std::string object_key;
  Bytes compressed;  // a decrypted frame on its way to zstd; kept for its capacity
  std::array<uint8_t, kObjectHeaderBytes> header{};
  bool opened = false;
  bool encrypted = false;

  explicit State(const RepositoryKey* k) : key(k != nullptr && k->number != 0 ? k : nullptr) {
    if (key != nullptr) aead = std::make_unique<AesGcm>();
  }
  Status CheckKeyOf(const ObjectHeader& parsed) const;
};

ObjectDecoder::ObjectDecoder(const RepositoryKey* key) : state_(std::make_unique<State>(key)) {}
ObjectDecoder::~ObjectDecoder() = default;

// Whether the key at hand is the one the header asks for.
Status ObjectDecoder::State::CheckKeyOf(const ObjectHeader& parsed) const {
  const std::string name = "object \"" + object_key + "\"";
  const bool always_plain = parsed.kind == ObjectKind::kMarker || parsed.kind == ObjectKind::kKeySlot;
  if (parsed.cipher == Cipher::kNone) {
    if (key == nullptr || always_plain) return Status::Ok();
    return Status(Code::kCorruption, name + " at offset 0: it is not encrypted, but the repository is")
        .WithHint("Something other than pg_pitr has stored it.");
  }
  if (key == nullptr)
    return Status(Code::kInvalidArgument, name + " is encrypted and no key is known")
        .WithHint("Set pg_pitr.passphrase_file to the file that holds this repository's passphrase.");
  if (key->number != parsed.key_number)
    return Status(Code::kInvalidArgument, name + " is encrypted with key number " + std::to_string(parsed.key_number) +
                                              ", the key at hand has number " + std::to_string(key->number))
        .WithHint("Use the passphrase of the other key.");
  return Status::Ok();
}

Status ObjectDecoder::Open(ObjectKind expected, const std::string& object_key, ByteView header) {
  State& s = *state_;
  s.opened = false;
  s.object_key = object_key;
  PITR_ASSIGN(const ObjectHeader parsed, DecodeObjectHeader(expected, object_key, header));
  PITR_TRY(s.CheckKeyOf(parsed));
  s.encrypted = parsed.cipher != Cipher::kNone;
  std::copy_n(header.begin(), kObjectHeaderBytes, s.header.begin());
  if (s.encrypted) PITR_TRY(SetObjectKey(*s.aead, *s.key, parsed, object_key));
  s.opened = true;
  return Status::Ok();
}

Result<ObjectDecoder::FrameInfo> ObjectDecoder::PeekFrame(ByteView frame_header) const {
  auto frame = DecodeFrameHeader(frame_header, state_->encrypted);
  if (!frame.ok()) return std::move(frame).status().Annotate("object \"" + state_->object_key + "\"");
  const FrameHeader& f = frame.value();
  return FrameInfo{static_cast<uint32_t>(kFrameHeaderBytes + f.stored_len), f.plain_len, f.type};
}

Status ObjectDecoder::DecodeFrame(uint64_t offset, ByteView frame, std::span<uint8_t> out) {
  State& s = *state_;
  auto at = [&](Status status) {
    return std::move(status).Annotate("object \"" + s.object_key + "\", frame at offset " + std::to_string(offset));
  };
  if (!s.opened) return at({Code::kInternal, "the object was not opened"});
  auto decoded = DecodeFrameHeader(frame, s.encrypted);
  if (!decoded.ok()) return at(std::move(decoded).status());
  const FrameHeader& f = decoded.value();
  if (frame.size() != kFrameHeaderBytes + f.stored_len)
    return at({Code::kCorruption, "it is " + std::to_string(kFrameHeaderBytes + f.stored_len) +
                                      " bytes long, expected were " + std::to_string(frame.size())});
  if (out.size() != f.plain_len)
    return at({Code::kCorruption, "it holds " + std::to_string(f.plain_len) + " plain bytes, expected were " +
                                      std::to_string(out.size())});
  ByteView content = frame.subspan(kFrameHeaderBytes);
  if (!s.encrypted && Xxh3Of(content) != f.check)
    return at({Code::kCorruption, "its content does not match its checksum"});
  if (s.encrypted) {
    uint8_t* to = out.data();
    if (f.codec == Codec::kZstd) {  // otherwise it is decrypted to where it belongs
      s.compressed.resize(content.size() - kFrameTagBytes);
      to = s.compressed.data();
    }
    if (Status status = s.aead->Open(NonceAt(offset), s.header, frame.first(kFrameHeaderBytes), content, to);
        !status.ok())
      return at(std::move(status));
    content = {to, content.size() - kFrameTagBytes};
  }
  if (f.codec == Codec::kZstd) {
    if (Status status = s.zstd.Decompress(content, out); !status.ok()) return at(std::move(status));
  } else if (!s.encrypted) {
    std::memcpy(out.data(), content.data(), content.size());
  }
  return Status::Ok();
}

}  // namespace pitr
