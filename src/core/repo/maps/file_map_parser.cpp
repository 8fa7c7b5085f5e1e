#include "core/repo/maps/file_map_parser.h"

#include <algorithm>
#include <charconv>

#include "core/base/ascii.h"
#include "core/pg/relation_file.h"
#include "core/repo/envelope/json_scan.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr uint64_t kMapVersion = 1;
constexpr uint32_t kMaxMode = 07777;
// No file of a cluster needs the others; whoever could write the map must not make a set-user-ID program by it.
constexpr uint32_t kFileModeBits = 0777;

}  // namespace

struct FileMapParser::Line {
  enum Field : uint32_t {
    kVersion = 1U << 0,
    kLabel = 1U << 1,
    kFrames = 1U << 2,
    kDir = 1U << 3,
    kFile = 1U << 4,
    kLink = 1U << 5,
    kTarget = 1U << 6,
    kMode = 1U << 7,
    kSize = 1U << 8,
    kMtime = 1U << 9,
    kExtents = 1U << 10,
    kEnd = 1U << 11,
    kStamp = 1U << 12,
    kPackBytes = 1U << 13,
    kLevel = 1U << 14,
    kDatabaseBytes = 1U << 15,
    kPack = 1U << 16,
    kPage = 1U << 17,
    kSha256 = 1U << 18,
    kFrom = 1U << 19,
    kFileCount = 1U << 20,
    kFileBytes = 1U << 21,
    kFetch = 1U << 22,
    kPacks = 1U << 23,
    kState = 1U << 24,
    kTimes = 1U << 25,
    kPartial = kPackBytes | kLevel | kDatabaseBytes,
  };
  uint32_t seen = 0;
  uint64_t version = 0;
  std::string label;
  PartialHeader partial;
  std::string path;
  std::string target;
  uint64_t mode = 0;
  uint64_t size = 0;
  int64_t mtime = 0;
  FileStamp stamp;
  uint64_t pack = 0;
  uint64_t first_offset = 0;
  std::vector<std::pair<uint64_t, uint64_t>> frames;  // stored, plain
  std::vector<Extent> extents;
  uint64_t end_files = 0;
  uint64_t end_frames = 0;
  uint64_t end_pages = 0;
  std::string key;  // of a pack or a page
  MapPage page;

  bool Has(uint32_t fields) const { return (seen & fields) == fields; }
  bool Parse(std::string_view text);

 private:
  static bool Find(const std::string& name, uint32_t& field, bool& hex);
  bool Value(const std::string& name, JsonScanner& scan);
  bool PageValue(uint32_t field, JsonScanner& scan);
  bool ParseFrames(JsonScanner& scan);
  bool ParsePacks(JsonScanner& scan);
  bool ParseExtents(JsonScanner& scan);
  bool ParseEnd(JsonScanner& scan);
  static bool Small(JsonScanner& scan, uint32_t& out);
};

namespace {

// What a field's text is and where it goes.
struct FieldName {
  std::string_view name;
  uint32_t field;
  bool hex = false;
};

bool ReadCheck(const std::string& hex, uint64_t& out) {
  if (hex.size() != 16) return false;
  out = 0;
  for (const char c : hex) {
    const int digit = IsDigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return false;
    out = out << 4 | static_cast<uint64_t>(digit);
  }
  return true;
}

bool ReadText(JsonScanner& scan, bool hex, std::string& out) {
  if (!scan.String(out)) return false;
  if (!hex) return true;
  const auto bytes = FromHex(out);
  if (!bytes) return false;
  out.assign(AsText(*bytes));
  return true;
}

// Only writers look at it: one that is not understood is not known.
bool ReadStamp(JsonScanner& scan, FileStamp& out) {
  std::string text;
  if (!scan.String(text)) return false;
  uint64_t parts[3] = {};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (size_t i = 0; i < std::size(parts); i++) {
    const auto [stop, error] = std::from_chars(at, end, parts[i], 16);
    const bool last = i + 1 == std::size(parts);
    if (error != std::errc() || (last ? stop != end : stop == end || *stop != '.')) return true;
    at = stop + 1;
  }
  out = {parts[0], static_cast<int64_t>(parts[1]), static_cast<int64_t>(parts[2])};
  return true;
}

}  // namespace

bool FileMapParser::Line::Small(JsonScanner& scan, uint32_t& out) {
  uint64_t wide = 0;
  if (!scan.Unsigned(wide) || wide > UINT32_MAX) return false;
  out = static_cast<uint32_t>(wide);
  return true;
}

bool FileMapParser::Line::ParseFrames(JsonScanner& scan) {
  if (!scan.Consume('[') || !scan.Unsigned(pack) || !scan.Consume(',') || !scan.Unsigned(first_offset)) return false;
  frames.clear();
  while (scan.Consume(',')) {
    auto& [stored, plain] = frames.emplace_back();
    if (!scan.Consume('[') || !scan.Unsigned(stored) || !scan.Consume(',') || !scan.Unsigned(plain) ||
        !scan.Consume(']'))
      return false;
  }
  return scan.Consume(']');
}

bool FileMapParser::Line::ParsePacks(JsonScanner& scan) {
  page.packs.clear();
  if (!scan.Consume('[')) return false;
  if (scan.Consume(']')) return true;
  do {
    if (!Small(scan, page.packs.emplace_back())) return false;
  } while (scan.Consume(','));
  return scan.Consume(']');
}

bool FileMapParser::Line::ParseExtents(JsonScanner& scan) {
  extents.clear();
  if (!scan.Consume('[')) return false;
  if (scan.Consume(']')) return true;
  std::string check;
  do {
    Extent& extent = extents.emplace_back();
    if (!scan.Consume('[') || !scan.Unsigned(extent.file_offset) || !scan.Consume(',') || !Small(scan, extent.length) ||
        !scan.Consume(',') || !Small(scan, extent.frame) || !scan.Consume(',') || !Small(scan, extent.frame_offset))
      return false;
    extent.checked = scan.Consume(',');
    if (extent.checked && (!scan.String(check) || !ReadCheck(check, extent.check))) return false;
    if (!scan.Consume(']')) return false;
  } while (scan.Consume(','));
  return scan.Consume(']');
}

bool FileMapParser::Line::ParseEnd(JsonScanner& scan) {
  if (!scan.Consume('{')) return false;
  bool files = false;
  bool frames_seen = false;
  std::string name;
  do {
    if (!scan.String(name) || !scan.Consume(':')) return false;
    if (name == "files") {
      if (!scan.Unsigned(end_files)) return false;
      files = true;
    } else if (name == "frames") {
      if (!scan.Unsigned(end_frames)) return false;
      frames_seen = true;
    } else if (name == "pages") {
      if (!scan.Unsigned(end_pages)) return false;
    } else if (!scan.Skip()) {
      return false;
    }
  } while (scan.Consume(','));
  return scan.Consume('}') && files && frames_seen;
}

// What the list tells of a page.
bool FileMapParser::Line::PageValue(uint32_t field, JsonScanner& scan) {
  switch (field) {
    case kSha256:
      return scan.String(page.sha256);
    case kFileCount:
      return scan.Unsigned(page.files);
    case kFileBytes:
      return scan.Unsigned(page.file_bytes);
    case kFetch:
      return scan.Unsigned(page.fetch_bytes);
    case kPacks:
      return ParsePacks(scan);
    case kState:
      return scan.String(page.state.files);
    case kTimes:
      return scan.String(page.state.times);
    default:
      return ParseEnd(scan);
  }
}

// Whether the name is known, and what it is.
bool FileMapParser::Line::Find(const std::string& name, uint32_t& field, bool& hex) {
  static constexpr FieldName kNames[] = {{"file", kFile},
                                         {"size", kSize},
                                         {"mode", kMode},
                                         {"mtime", kMtime},
                                         {"stamp", kStamp},
                                         {"extents", kExtents},
                                         {"frames", kFrames},
                                         {"dir", kDir},
                                         {"link", kLink},
                                         {"target", kTarget},
                                         {"file_hex", kFile, true},
                                         {"dir_hex", kDir, true},
                                         {"link_hex", kLink, true},
                                         {"target_hex", kTarget, true},
                                         {"pg_pitr_files", kVersion},
                                         {"label", kLabel},
                                         {"pack_bytes", kPackBytes},
                                         {"level", kLevel},
                                         {"database_bytes", kDatabaseBytes},
                                         {"pack", kPack},
                                         {"page", kPage},
                                         {"sha256", kSha256},
                                         {"from", kFrom},
                                         {"from_hex", kFrom, true},
                                         {"files", kFileCount},
                                         {"bytes", kFileBytes},
                                         {"fetch", kFetch},
                                         {"packs", kPacks},
                                         {"state", kState},
                                         {"times", kTimes},
                                         {"end", kEnd}};
  const auto* known =
      std::find_if(std::begin(kNames), std::end(kNames), [&](const FieldName& f) { return f.name == name; });
  if (known == std::end(kNames)) return false;
  field = known->field;
  hex = known->hex;
  return true;
}

bool FileMapParser::Line::Value(const std::string& name, JsonScanner& scan) {
  uint32_t field = 0;
  bool hex = false;
  if (!Find(name, field, hex)) return scan.Skip();
  if ((seen & field) != 0) return false;  // twice
  seen |= field;
  switch (field) {
    case kVersion:
      return scan.Unsigned(version);
    case kLabel:
      return scan.String(label);
    case kFrames:
      return ParseFrames(scan);
    case kPack:
    case kPage:
      return scan.String(key);
    case kDir:
    case kFile:
    case kFrom:
    case kLink:
      return ReadText(scan, hex, path);
    case kTarget:
      return ReadText(scan, hex, target);
    case kMode:
      return scan.Unsigned(mode);
    case kSize:
      return scan.Unsigned(size);
    case kMtime:
      return scan.Signed(mtime);
    case kStamp:
      return ReadStamp(scan, stamp);
    case kExtents:
      return ParseExtents(scan);
    case kPackBytes:
      return scan.Unsigned(partial.pack_bytes);
    case kLevel:
      return scan.Unsigned(partial.level);
    case kDatabaseBytes:
      return scan.Unsigned(partial.database_bytes);
    default:
      return PageValue(field, scan);
  }
}

bool FileMapParser::Line::Parse(std::string_view text) {
  JsonScanner scan(text);
  if (!scan.Consume('{')) return false;
  std::string name;
  if (!scan.Consume('}')) {
    do {
      if (!scan.String(name) || !scan.Consume(':') || !Value(name, scan)) return false;
    } while (scan.Consume(','));
    if (!scan.Consume('}')) return false;
  }
  return scan.AtEnd();
}

bool IsSafeMappedPath(std::string_view path) {
  if (const std::string_view entry = TablespaceEntryOf(path); !entry.empty() && !IsTablespaceVersionDirectory(entry))
    return false;
  if (path.empty() || path.size() > kMaxMappedPath || path.find('\0') != std::string_view::npos) return false;
  for (size_t from = 0; from <= path.size();) {
    const size_t slash = std::min(path.find('/', from), path.size());
    const std::string_view segment = path.substr(from, slash - from);
    if (segment.empty() || segment == "." || segment == "..") return false;
    from = slash + 1;
  }
  return true;
}

FileMapParser::FileMapParser(std::string label, FileMapSink sink) : label_(std::move(label)), sink_(std::move(sink)) {}

Status FileMapParser::Bad(const std::string& what) const {
  return {Code::kCorruption, "file map line " + std::to_string(line_number_) + ": " + what};
}

Status FileMapParser::Feed(ByteView bytes) {
  std::string_view text = AsText(bytes);
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    if (newline == std::string_view::npos || !partial_.empty()) {
      const size_t take = newline == std::string_view::npos ? text.size() : newline;
      if (partial_.size() + take > kMaxFileMapLine) {
        line_number_++;
        return Bad("longer than " + std::to_string(kMaxFileMapLine) + " bytes");
      }
      partial_.append(text.substr(0, take));
      if (newline == std::string_view::npos) return Status::Ok();
      PITR_TRY(ParseLine(partial_));
      partial_.clear();
    } else {
      PITR_TRY(ParseLine(text.substr(0, newline)));
    }
    text.remove_prefix(newline + 1);
  }
  return Status::Ok();
}

Status FileMapParser::Finish() {
  if (!partial_.empty() || stage_ != Stage::kEnd)
    return {Code::kCorruption, "file map ends after line " + std::to_string(line_number_) + " without its end line"};
  return Status::Ok();
}

Status FileMapParser::ParseLine(std::string_view text) {
  line_number_++;
  if (text.size() > kMaxFileMapLine) return Bad("longer than " + std::to_string(kMaxFileMapLine) + " bytes");
  Line line;
  if (!line.Parse(text)) return Bad("not a well-formed line");
  return Dispatch(line);
}

Status FileMapParser::Dispatch(Line& line) {
  if (stage_ == Stage::kEnd) return Bad("follows the end line");
  if (line.Has(Line::kVersion) || stage_ == Stage::kHeader) return Header(line);
  if (line.Has(Line::kFile)) return File(line);
  if (line.Has(Line::kFrames)) return Frames(line);
  if (line.Has(Line::kPack)) return Pack(line);
  if (line.Has(Line::kPage)) return Page(line);
  if (line.Has(Line::kDir)) return Directory(line);
  if (line.Has(Line::kLink)) return Link(line);
  if (line.Has(Line::kEnd)) return End(line);
  if (line.Has(Line::kExtents)) return MoreExtents(line);
  return Status::Ok();  // a kind of line this version does not know
}

Status FileMapParser::Enter(Stage stage) {
  if (stage < stage_) return Bad("out of order");
  if (stage_ == Stage::kFiles) PITR_TRY(FlushFile());
  stage_ = stage;
  return Status::Ok();
}

Status FileMapParser::Header(const Line& line) {
  if (!line.Has(Line::kVersion) || stage_ != Stage::kHeader) return Bad("the header is expected first and once");
  if (line.version > kMapVersion)
    return Status(Code::kInvalidArgument, "file map has version " + std::to_string(line.version) +
                                              ", this program reads up to version " + std::to_string(kMapVersion))
        .WithHint("Use a newer pg_pitr to read this backup.");
  if (line.version == 0 || !line.Has(Line::kLabel)) return Bad("not a header");
  if (!label_.empty() && line.label != label_) return Bad("the map of backup \"" + line.label + "\"");
  stage_ = Stage::kPacks;
  return sink_.partial && line.Has(Line::kPartial) ? sink_.partial(line.partial) : Status::Ok();
}
Status FileMapParser::Pack(Line& line) {
  PITR_TRY(Enter(Stage::kPacks));
  if (!line.Has(Line::kSize) || !layout::LabelOfPackKey(line.key)) return Bad("not a pack");
  return sink_.pack ? sink_.pack({std::move(line.key), line.size}) : Status::Ok();
}

Status FileMapParser::Frames(const Line& line) {
  PITR_TRY(Enter(Stage::kFrames));
  if (line.pack > UINT32_MAX || line.frames.empty()) return Bad("not a list of frames");
  MappedFrame frame;
  frame.pack = static_cast<uint32_t>(line.pack);
  frame.ref.offset = line.first_offset;
  if (frame.ref.offset < kObjectHeaderBytes) return Bad("a frame inside the object's header");
  for (const auto& [stored, plain] : line.frames) {
    if (stored <= kFrameHeaderBytes || stored > UINT32_MAX || plain == 0 || plain > kMaxFramePlainBytes)
      return Bad("a frame of impossible size");
    if (frame.ref.offset > UINT64_MAX - stored) return Bad("a frame beyond any object");
    if (frame_plain_bytes_.size() == UINT32_MAX) return Bad("too many frames");
    frame.ref.stored_bytes = static_cast<uint32_t>(stored);
    frame.ref.plain_bytes = static_cast<uint32_t>(plain);
    frame_plain_bytes_.push_back(frame.ref.plain_bytes);
    if (sink_.frame) PITR_TRY(sink_.frame(frame));
    frame.ref.offset += stored;
  }
  return Status::Ok();
}

Status FileMapParser::Directory(Line& line) {
  PITR_TRY(Enter(Stage::kDirectories));
  if (!line.Has(Line::kMode) || line.mode > kMaxMode) return Bad("a directory without a proper mode");
  if (!IsSafeMappedPath(line.path)) return Bad("a directory with an unsafe path");
  if (!sink_.directory) return Status::Ok();
  return sink_.directory({std::move(line.path), static_cast<uint32_t>(line.mode)});
}

Status FileMapParser::Page(Line& line) {
  PITR_TRY(Enter(Stage::kPages));
  if (!line.Has(Line::kSize | Line::kSha256 | Line::kFrom | Line::kFileCount | Line::kFileBytes | Line::kFetch |
                Line::kPacks))
    return Bad("a page with a field missing");
  auto key = layout::ParseMapPageKey(line.key);
  if (!key) return Bad("a page without a page's key");
  if (!IsSha256Hex(line.page.sha256)) return Bad("a page whose SHA-256 is none");
  if (!IsSafeMappedPath(line.path)) return Bad("a page with an unsafe path");
  if (pages_ > 0 && line.path <= last_path_) return Bad("pages that are not in order of their paths");
  last_path_ = line.path;
  pages_++;
  if (!sink_.page) return Status::Ok();
  line.page.label = std::move(key->label);
  line.page.number = key->number;
  line.page.stored_bytes = line.size;
  line.page.first_path = std::move(line.path);
  return sink_.page(std::move(line.page));
}

Status FileMapParser::File(Line& line) {
  PITR_TRY(Enter(Stage::kFiles));  // hands on the file before
  if (!line.Has(Line::kSize | Line::kMode | Line::kMtime | Line::kExtents)) return Bad("a file with a field missing");
  if (line.mode > kMaxMode || line.size > uint64_t{INT64_MAX}) return Bad("a file of impossible mode or size");
  if (!IsSafeMappedPath(line.path)) return Bad("a file with an unsafe path");
  if (files_ > 0 && line.path <= last_path_) return Bad("files that are not in order of their paths");
  last_path_ = line.path;
  files_++;
  file_.path = std::move(line.path);
  file_.size_bytes = line.size;
  file_.mode = static_cast<uint32_t>(line.mode) & kFileModeBits;
  file_.mtime_micros = line.mtime;
  file_.stamp = line.stamp;
  file_.extents.clear();
  have_file_ = true;
  return AddExtents(line);
}

Status FileMapParser::MoreExtents(const Line& line) {
  if (stage_ != Stage::kFiles || !have_file_) return Bad("extents that follow no file");
  return AddExtents(line);
}

Status FileMapParser::AddExtents(const Line& line) {
  uint64_t from = file_.extents.empty() ? 0 : file_.extents.back().file_offset + file_.extents.back().length;
  for (const Extent& extent : line.extents) {
    if (extent.length == 0 || extent.file_offset < from) return Bad("extents that overlap or are not in order");
    if (extent.file_offset > file_.size_bytes || extent.length > file_.size_bytes - extent.file_offset)
      return Bad("an extent beyond the end of its file");
    if (extent.frame >= frame_plain_bytes_.size()) return Bad("an extent in a frame that does not exist");
    const uint32_t plain = frame_plain_bytes_[extent.frame];
    if (extent.frame_offset > plain || extent.length > plain - extent.frame_offset)
      return Bad("an extent beyond the end of its frame");
    from = extent.file_offset + extent.length;
  }
  file_.extents.insert(file_.extents.end(), line.extents.begin(), line.extents.end());
  return Status::Ok();
}

Status FileMapParser::FlushFile() {
  if (!have_file_) return Status::Ok();
  have_file_ = false;
  if (!sink_.file) return Status::Ok();
  file_.extents.shrink_to_fit();
  return sink_.file(std::move(file_));
}

Status FileMapParser::Link(Line& line) {
  PITR_TRY(Enter(Stage::kLinks));
  // The only links a data directory has are those of its tablespaces; any other could lead a restore astray.
  static constexpr std::string_view kParent = "pg_tblspc/";
  const std::string_view path = line.path;
  const bool tablespace = path.starts_with(kParent) && path.size() > kParent.size() &&
                          path.size() <= kParent.size() + 10 &&
                          path.find_first_not_of("0123456789", kParent.size()) == std::string_view::npos;
  if (!tablespace) return Bad("a link that is not a tablespace's");
  if (!line.Has(Line::kTarget) || !line.target.starts_with('/') || line.target.size() > kMaxMappedPath ||
      line.target.find('\0') != std::string::npos)
    return Bad("a link whose target is not an absolute path");
  return sink_.link ? sink_.link({std::move(line.path), std::move(line.target)}) : Status::Ok();
}

Status FileMapParser::End(const Line& line) {
  PITR_TRY(Enter(Stage::kEnd));
  if (line.end_files != files_ || line.end_frames != frame_plain_bytes_.size())
    return Bad("the end line counts " + std::to_string(line.end_files) + " files and " +
               std::to_string(line.end_frames) + " frames, there were " + std::to_string(files_) + " and " +
               std::to_string(frame_plain_bytes_.size()));
  if (line.end_pages != pages_)
    return Bad("the end line counts " + std::to_string(line.end_pages) + " pages, there were " +
               std::to_string(pages_));
  return Status::Ok();
}

}  // namespace pitr
