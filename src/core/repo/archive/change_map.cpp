#include "core/repo/archive/change_map.h"

#include "core/base/byte_reader.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr uint32_t kVersion = 2;
constexpr uint32_t kWithoutActions = 1;  // the version before
constexpr uint32_t kAbandons = 1;        // flag
constexpr size_t kMinForkBytes = 24, kMinChunkBytes = 6, kActionBytes = 32;
constexpr uint32_t kCommitted = 1;  // flag of an action
constexpr size_t kMaxPathBytes = 1024;

void AppendPiece(Bytes& out, const Bytes& piece) {
  AppendLe(out, static_cast<uint32_t>(piece.size()));
  out.insert(out.end(), piece.begin(), piece.end());
}

void AppendAction(Bytes& out, const ReplayAction& action) {
  AppendLe(out, static_cast<uint32_t>(action.kind));
  AppendLe(out, action.start.value);
  AppendLe(out, action.xid);
  AppendLe(out, action.oid);
  AppendLe(out, action.ended.value);
  AppendLe(out, action.committed ? kCommitted : uint32_t{0});
  if (action.kind == ReplayAction::Kind::kTablespaceCreated)
    AppendPiece(out, Bytes(action.path.begin(), action.path.end()));
  if (action.kind != ReplayAction::Kind::kSettings) return;
  for (int32_t limit :
       {action.limits.max_connections, action.limits.max_worker_processes, action.limits.max_wal_senders,
        action.limits.max_prepared_transactions, action.limits.max_locks_per_transaction})
    AppendLe(out, limit);
  AppendLe(out, static_cast<uint32_t>(action.wal_level));
}

void AppendFork(Bytes& out, const RelationFork& fork, const ForkChanges& changes) {
  for (uint32_t field : {fork.relation.tablespace, fork.relation.database, fork.relation.number,
                         static_cast<uint32_t>(fork.fork), changes.limit})
    AppendLe(out, field);
  AppendLe(out, static_cast<uint32_t>(changes.blocks.chunks().size()));
  for (const auto& [number, chunk] : changes.blocks.chunks()) {
    AppendLe(out, number);
    AppendLe(out, static_cast<uint16_t>(chunk.size()));
    for (uint16_t word : chunk) AppendLe(out, word);
  }
}

Bytes ReadPiece(ByteReader& in) {
  const ByteView piece = in.Take(in.U32());
  if (piece.size() > SegmentChanges::kPieceBytes) in.Fail();
  return {piece.begin(), piece.end()};
}

// Fails unless it comes after `previous`, within the segment.
ReplayAction ReadAction(ByteReader& in, const SegmentChanges& segment, Lsn previous) {
  ReplayAction action;
  action.kind = static_cast<ReplayAction::Kind>(in.U32());
  action.start = {in.U64()};
  action.xid = in.U32();
  action.oid = in.U32();
  action.ended = {in.U64()};
  const uint32_t flags = in.U32();
  action.committed = (flags & kCommitted) != 0;
  switch (action.kind) {
    case ReplayAction::Kind::kTablespaceCreated: {
      const ByteView path = in.Take(in.U32());
      if (path.size() > kMaxPathBytes) in.Fail();
      action.path = AsText(path);
      break;
    }
    case ReplayAction::Kind::kTablespaceDropped:
    case ReplayAction::Kind::kDatabaseDropped:
    case ReplayAction::Kind::kDatabaseInvalidated:
    case ReplayAction::Kind::kOriginDropped:
      break;
    case ReplayAction::Kind::kSettings:
      action.limits.max_connections = in.Get<int32_t>();
      action.limits.max_worker_processes = in.Get<int32_t>();
      action.limits.max_wal_senders = in.Get<int32_t>();
      action.limits.max_prepared_transactions = in.Get<int32_t>();
      action.limits.max_locks_per_transaction = in.Get<int32_t>();
      action.wal_level = static_cast<WalLevel>(in.U32());
      break;
    default:
      in.Fail();
  }
  const uint64_t end = segment.start.value + segment.size;
  const bool placed = action.start > previous && action.start >= segment.start && action.start.value < end;
  const bool ended = action.ended.valid() ? action.ended > action.start && action.ended.value < end : flags == 0;
  if (!placed || !ended || (flags & ~kCommitted) != 0) in.Fail();
  return action;
}

// Fails unless the fork comes after `previous`.
void ReadFork(ByteReader& in, std::optional<RelationFork>& previous, BlockChanges& changes) {
  RelationFork fork;
  fork.relation.tablespace = in.U32();
  fork.relation.database = in.U32();
  fork.relation.number = in.U32();
  fork.fork = static_cast<Fork>(in.U32());
  if (!HasKnownChanges(fork.fork) || (previous && fork <= *previous)) in.Fail();
  previous = fork;
  ForkChanges& of = changes.At(fork);
  of.limit = in.U32();
  int last = -1;
  BlockSet::Chunk chunk;
  for (size_t chunks = in.Count(kMinChunkBytes); chunks > 0 && in.ok(); --chunks) {
    const uint16_t number = in.U16();
    const ByteView words = in.Take(size_t{in.U16()} * sizeof(uint16_t));
    chunk.resize(words.size() / sizeof(uint16_t));
    if (!words.empty()) std::memcpy(chunk.data(), words.data(), words.size());
    if (number <= last || !of.blocks.AddChunk(number, chunk)) in.Fail();
    last = number;
  }
}

}  // namespace

Bytes EncodeChangeMap(const SegmentChanges& segment) {
  const BlockChanges& changes = segment.changes;
  Bytes out;
  AppendLe(out, segment.actions_known ? kVersion : kWithoutActions);
  AppendLe(out, static_cast<uint32_t>(segment.pg_major));
  AppendLe(out, segment.start.value);
  AppendLe(out, segment.size);
  AppendLe(out, segment.abandons ? kAbandons : uint32_t{0});
  AppendLe(out, static_cast<uint32_t>(changes.unknown()));
  AppendLe(out, changes.unknown_at().value);
  AppendLe(out, segment.head.missing);
  AppendLe(out, segment.head.here);
  AppendPiece(out, segment.head.bytes);
  AppendLe(out, segment.tail.start.value);
  AppendLe(out, segment.tail.here);
  AppendPiece(out, segment.tail.bytes);
  AppendLe(out, static_cast<uint32_t>(changes.databases().size()));
  for (const auto& [database, tablespace] : changes.databases()) {
    AppendLe(out, database);
    AppendLe(out, tablespace);
  }
  AppendLe(out, static_cast<uint32_t>(changes.tablespaces().size()));
  for (uint32_t tablespace : changes.tablespaces()) AppendLe(out, tablespace);
  const std::vector<RelationFork> forks = changes.SortedForks();
  AppendLe(out, static_cast<uint32_t>(forks.size()));
  for (const RelationFork& fork : forks) AppendFork(out, fork, *changes.Find(fork));
  if (!segment.actions_known) return out;
  AppendLe(out, static_cast<uint32_t>(segment.actions.size()));
  for (const ReplayAction& action : segment.actions) AppendAction(out, action);
  return out;
}

Result<SegmentChanges> ParseChangeMap(ByteView bytes) {
  ByteReader in(bytes);
  SegmentChanges segment;
  const uint32_t version = in.U32();
  if (in.ok() && version > kVersion)
    return Status(Code::kInvalidArgument, "change map is of version " + std::to_string(version) +
                                              ", which this version of pg_pitr does not know");
  segment.pg_major = static_cast<int>(in.U32());
  segment.start = {in.U64()};
  segment.size = in.U32();
  const uint32_t flags = in.U32();
  segment.abandons = (flags & kAbandons) != 0;
  const uint32_t unknown = in.U32();
  segment.changes.AddEverything(static_cast<BlockChanges::Unknown>(unknown), {in.U64()});
  segment.head.missing = in.U32();
  segment.head.here = in.U32();
  segment.head.bytes = ReadPiece(in);
  segment.tail.start = {in.U64()};
  segment.tail.here = in.U32();
  segment.tail.bytes = ReadPiece(in);
  for (size_t n = in.Count(2 * sizeof(uint32_t)); n > 0; --n) {
    const uint32_t database = in.U32();
    segment.changes.AddDatabase(database, in.U32());
  }
  for (size_t n = in.Count(sizeof(uint32_t)); n > 0; --n) segment.changes.AddTablespace(in.U32());
  std::optional<RelationFork> previous;
  for (size_t n = in.Count(kMinForkBytes); n > 0 && in.ok(); --n) ReadFork(in, previous, segment.changes);
  segment.actions_known = version > kWithoutActions;
  Lsn previous_action;
  for (size_t n = segment.actions_known ? in.Count(kActionBytes) : 0; n > 0 && in.ok(); --n) {
    segment.actions.push_back(ReadAction(in, segment, previous_action));
    previous_action = segment.actions.back().start;
  }
  const bool sizes_fit = IsValidSegmentSize(segment.size) && segment.start.value % segment.size == 0 &&
                         segment.head.here <= segment.head.missing && segment.head.bytes.size() <= segment.head.here &&
                         segment.tail.bytes.size() <= segment.tail.here;
  if (!in.AtEnd() || version == 0 || (flags & ~kAbandons) != 0 || !sizes_fit)
    return Status(Code::kCorruption, "change map is damaged");
  return segment;
}

Status StoreChangeMap(const Repository& repository, std::string_view segment_name, const SegmentChanges& segment,
                      const OpContext& ctx) {
  const Bytes content = EncodeChangeMap(segment);
  if (content.size() > kMaxChangeMapBytes)
    return {Code::kInvalidArgument, "change map would have " + std::to_string(content.size()) + " bytes"};
  Status stored = repository.CreateObject(ObjectKind::kChangeMap, layout::ChangeMapKey(segment_name), content, ctx);
  return stored.code() == Code::kAlreadyExists ? Status::Ok() : stored;
}

Result<SegmentChanges> LoadChangeMap(const Repository& repository, std::string_view segment_name,
                                     const OpContext& ctx) {
  const std::string key = layout::ChangeMapKey(segment_name);
  PITR_ASSIGN(const Bytes content, repository.ReadObject(ObjectKind::kChangeMap, key, kMaxChangeMapBytes, ctx));
  Result<SegmentChanges> map = ParseChangeMap(content);
  if (!map.ok()) return std::move(map).status().Annotate("object \"" + key + "\"");
  const auto name = ParseWalFileName(segment_name, repository.segment_size());
  if (!name || map.value().size != repository.segment_size() ||
      map.value().start != SegmentStart(name->segment, repository.segment_size()))
    return Status(Code::kCorruption, "object \"" + key + "\" is the change map of another segment");
  return map;
}

}  // namespace pitr
