// Timeline history files are text: "<parent timeline> <switch point> <reason>" a line, oldest first.
#include "core/pg/history.h"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace pitr {
namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";

std::string_view TrimLeft(std::string_view text) {
  const size_t start = text.find_first_not_of(kSpace);
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::string_view TrimRight(std::string_view text) {
  const size_t last = text.find_last_not_of(kSpace);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

// Takes the first word off `rest`.
std::string_view TakeWord(std::string_view& rest) {
  rest = TrimLeft(rest);
  const std::string_view word = rest.substr(0, rest.find_first_of(kSpace));
  rest.remove_prefix(word.size());
  return word;
}

Status BadLine(Timeline timeline, size_t line_number, std::string_view what, std::string_view why) {
  return Status(Code::kCorruption, "history file of timeline " + std::to_string(timeline.value) + ", line " +
                                       std::to_string(line_number) + ": " + std::string(what))
      .WithDetail(std::string(why));
}

// Everything about one line that does not need its neighbours.
Result<TimelineEntry> ParseLine(Timeline timeline, size_t line_number, std::string_view line) {
  std::string_view rest = line;
  const std::string_view number = TakeWord(rest);
  uint32_t parent = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), parent);
  if (error != std::errc() || end != number.data() + number.size() || parent == 0)
    return BadLine(timeline, line_number, "no timeline number", "The first word of a line is the parent timeline.");
  const auto lsn = Lsn::Parse(TakeWord(rest));
  if (!lsn)
    return BadLine(timeline, line_number, "no switch point",
                   "The second word of a line is a position such as 0/3000158.");
  return TimelineEntry{{parent}, {}, *lsn, std::string(TrimRight(TrimLeft(rest)))};
}

}  // namespace

TimelineHistory TimelineHistory::Root(Timeline timeline) {
  TimelineHistory history;
  history.entries_.push_back({timeline, {}, {}, {}});
  return history;
}

Result<TimelineHistory> TimelineHistory::Parse(Timeline timeline, std::string_view text) {
  if (!timeline.valid()) return Status(Code::kInvalidArgument, "timeline 0 has no history file");
  if (text.size() > kMaxHistoryFileSize)
    return Status(Code::kCorruption, "history file of timeline " + std::to_string(timeline.value) + " is too large");
  TimelineHistory history;
  Timeline last;
  for (size_t line_number = 1; !text.empty(); ++line_number) {
    const size_t newline = text.find('\n');
    const std::string_view line = TrimLeft(text.substr(0, newline));
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    if (line.empty() || line[0] == '#') continue;
    PITR_ASSIGN(TimelineEntry entry, ParseLine(timeline, line_number, line));
    if (entry.timeline <= last || entry.timeline >= timeline)
      return BadLine(timeline, line_number, "timelines out of order",
                     "Timelines must increase and be less than the file's own.");
    last = entry.timeline;
    history.entries_.push_back(std::move(entry));
  }
  // A recovery along a timeline that stops before that timeline began leaves its parent before the parent was left for
  // it. The server looks from the newest line back, so the newest counts, and what was passed over has no part.
  for (size_t i = history.entries_.size(); i-- > 1;)
    history.entries_[i - 1].end = std::min(history.entries_[i - 1].end, history.entries_[i].end);
  Lsn begin;
  std::erase_if(history.entries_, [&](TimelineEntry& entry) {
    if (entry.end <= begin) return true;
    entry.begin = begin;
    begin = entry.end;
    return false;
  });
  history.entries_.push_back({timeline, begin, {}, {}});
  // Timelines ascend, and each begins where the one before it ends.
  assert(std::adjacent_find(history.entries_.begin(), history.entries_.end(),
                            [](const TimelineEntry& a, const TimelineEntry& b) {
                              return a.timeline >= b.timeline || a.end != b.begin;
                            }) == history.entries_.end());
  return history;
}

const TimelineEntry* TimelineHistory::Find(Timeline timeline) const {
  for (const TimelineEntry& entry : entries_)
    if (entry.timeline == timeline) return &entry;
  return nullptr;
}

Timeline TimelineHistory::TimelineContaining(Lsn lsn) const {
  for (const TimelineEntry& entry : entries_)
    if (entry.begin <= lsn && lsn < entry.end) return entry.timeline;
  return timeline();
}

std::optional<Lsn> TimelineHistory::SwitchPoint(Timeline timeline) const {
  const TimelineEntry* entry = Find(timeline);
  if (entry == nullptr || !entry->end.valid()) return std::nullopt;
  return entry->end;
}

bool TimelineHistory::ReachedFrom(Timeline timeline, Lsn end) const {
  const TimelineEntry* entry = Find(timeline);
  return entry != nullptr && end.valid() && TimelineContaining({end.value - 1}) == timeline;
}

bool TimelineHistory::Continues(const TimelineHistory& other) const {
  if (other.entries_.size() > entries_.size()) return false;
  for (size_t i = 0; i < other.entries_.size(); ++i)
    if (other.entries_[i].timeline != entries_[i].timeline || other.entries_[i].begin != entries_[i].begin)
      return false;
  return true;
}

Timeline TimelineHistory::NewestForeign(const std::function<const TimelineHistory*(Timeline)>& stored) const {
  for (size_t i = entries_.size() - 1; i-- > 0;) {
    const TimelineHistory* other = stored(entries_[i].timeline);
    if (other != nullptr && !Continues(*other)) return entries_[i].timeline;
  }
  return {};
}

TimelineHistory TimelineHistory::Behind(Timeline ancestor) const {
  TimelineHistory rest = *this;
  std::erase_if(rest.entries_, [&](const TimelineEntry& entry) { return entry.timeline <= ancestor; });
  return rest;
}

Timeline TimelineHistory::TimelineOfSegment(SegmentNo segment, uint32_t segment_size) const {
  for (size_t i = entries_.size(); i-- > 1;)
    if (segment >= SegmentOf(entries_[i].begin, segment_size)) return entries_[i].timeline;
  return entries_.front().timeline;
}

}  // namespace pitr
