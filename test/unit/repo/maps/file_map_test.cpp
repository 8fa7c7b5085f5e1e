#include "core/repo/maps/file_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/maps/file_map_writer.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

FileMap SampleMap() {
  FileMap map;
  map.frames = {{0, {64, 1000, 1 << 20}}, {0, {1064, 25, 1}}, {1, {64, 500, 9000}}};
  map.directories = {{"base", 0700}, {"base/1", 0750}, {"odd\xFF", 0700}};
  map.files = {{"PG_VERSION", 3, 0600, 1700000000000001, {}, {{0, 3, 2, 0, true, 0x1122334455667788}}},
               {"base/1/1259",
                1 << 21,
                0640,
                -5,
                {UINT64_MAX, INT64_MAX, -1},
                {{0, 1 << 20, 0, 0, false, 0}, {(1 << 20) + 5, 8000, 2, 1000, true, UINT64_MAX}}},
               {"empty \"name\"\n\\", 0, 0600, 0, {5, 6, 0}, {}},
               {"odd\xFF/\xC3\x28", 100, 0600, 7, {}, {{99, 1, 1, 0, true, 0}}}};
  map.links = {{"pg_tblspc/16400", "/srv/\xFE ts"}, {"pg_tblspc/16401", "/srv/b"}};
  return map;
}

std::string Format(const FileMap& map, const std::string& label = "L1") {
  std::string text;
  FileMapFormatter formatter(text);
  formatter.Header(label);
  formatter.Frames(map.frames);
  for (const auto& directory : map.directories) formatter.Directory(directory);
  for (const auto& file : map.files) formatter.File(file);
  for (const auto& link : map.links) formatter.Link(link);
  formatter.End();
  return text;
}

struct Parsed {
  Status status;
  FileMap map;
};

Parsed Parse(const std::string& text, size_t piece = SIZE_MAX, const std::string& label = "L1") {
  Parsed parsed;
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) { return parsed.map.frames.push_back(frame), Status::Ok(); };
  sink.directory = [&](MappedDirectory&& d) { return parsed.map.directories.push_back(std::move(d)), Status::Ok(); };
  sink.file = [&](MappedFile&& file) { return parsed.map.files.push_back(std::move(file)), Status::Ok(); };
  sink.link = [&](MappedLink&& link) { return parsed.map.links.push_back(std::move(link)), Status::Ok(); };
  FileMapParser parser(label, std::move(sink));
  for (size_t at = 0; at < text.size() && parsed.status.ok(); at += std::min(piece, text.size() - at))
    parsed.status = parser.Feed(AsBytes(text).subspan(at, std::min(piece, text.size() - at)));
  if (parsed.status.ok()) parsed.status = parser.Finish();
  return parsed;
}

void ExpectEqual(const FileMap& a, const FileMap& b) {
  EXPECT_EQ(Format(a), Format(b));
  ASSERT_EQ(a.files.size(), b.files.size());
  for (size_t i = 0; i < a.files.size(); i++) EXPECT_EQ(a.files[i].path, b.files[i].path);
}

using FileMapWriterTest = test::RepositoryTest;

const std::vector<PackEntry> kPacks{{"data/good/000001", 9000}, {"data/other/000007", 8000}};

BackupManifest ManifestOf(const StoredFileMap& map, const std::string& label) {
  BackupManifest manifest;
  manifest.label = label;
  manifest.packs = kPacks;
  map.EnterIn(manifest);
  return manifest;
}

TEST_F(FileMapWriterTest, WhatCouldNotBeReadAgainIsNotWritten) {
  const auto repository = MustOpenOrCreate(config_);
  auto written = WriteFileMap(*repository, "good", kPacks, SampleMap(), ctx_);
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  auto read = ReadFileMap(*repository, ManifestOf(written.value(), "good"), ctx_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ExpectEqual(read.value(), SampleMap());
  const std::function<void(FileMap&)> kMistakes[] = {[](FileMap& map) { map.files.push_back(map.files.back()); },
                                                     [](FileMap& map) { map.files[0].size_bytes = 2; },
                                                     [](FileMap& map) { map.files[1].extents[1].file_offset = 5; },
                                                     [](FileMap& map) { map.files[1].extents[1].frame = 3; },
                                                     [](FileMap& map) { map.links[0].path = "pg_tblspc/16400000000"; }};
  for (size_t i = 0; i < std::size(kMistakes); i++) {
    FileMap map = SampleMap();
    kMistakes[i](map);
    const std::string label = "bad" + std::to_string(i);
    EXPECT_EQ(WriteFileMap(*repository, label, kPacks, map, ctx_).code(), Code::kCorruption) << i;
    EXPECT_EQ(ReadFileMap(*repository, ManifestOf(written.value(), label), ctx_).code(), Code::kNotFound) << i;
  }
}

// Files over many pages, some of which share a frame.
TEST_F(FileMapWriterTest, PagesAreReadAsOneMap) {
  const auto repository = MustOpenOrCreate(config_);
  FileMap map;
  for (uint32_t i = 0; i < 4; i++) map.frames.push_back({i % 2, {64 + 1000 * uint64_t{i}, 1000, 1 << 20}});
  for (uint32_t i = 0; i < 2 * kPageFiles + 5; i++)
    map.files.push_back({"base/1/" + std::to_string(100000 + i), 10, 0600, 7, {}, {{0, 10, i % 4, i, true, i}}});
  auto written = WriteFileMap(*repository, "good", kPacks, map, ctx_);
  ASSERT_TRUE(written.ok()) << written.status().ToString();
  ASSERT_EQ(written.value().pages.size(), 3U);
  EXPECT_EQ(written.value().pages[1].first_path, "base/1/" + std::to_string(100000 + kPageFiles));
  const BackupManifest manifest = ManifestOf(written.value(), "good");
  ASSERT_EQ(manifest.map_pages.size(), 1U);
  EXPECT_EQ(manifest.map_pages[0].last, 3U);
  EXPECT_EQ(manifest.fetch_bytes, 4000U) << "a frame of several pages counts once";
  auto read = ReadFileMap(*repository, manifest, ctx_);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read.value().frames.size(), 4U);
  ASSERT_EQ(read.value().files.size(), map.files.size());
  for (size_t i = 0; i < map.files.size(); i++) {
    const MappedFile& file = read.value().files[i];
    EXPECT_EQ(file.path, map.files[i].path);
    const MappedFrame& frame = read.value().frames[file.extents.at(0).frame];
    EXPECT_EQ(frame.pack, i % 4 % 2);
    EXPECT_EQ(frame.ref.offset, 64 + 1000 * (i % 4));
  }
}

// No reader takes another page for the one that was meant, or a list of other pages.
TEST_F(FileMapWriterTest, OtherPagesAreRefused) {
  const auto repository = MustOpenOrCreate(config_);
  const auto write = [&](const std::string& label, uint32_t mode, uint32_t files) {
    FileMap map = SampleMap();
    for (uint32_t i = 0; i < files; i++) map.files.push_back({"z" + std::to_string(100000 + i), 0, mode, 0, {}, {}});
    std::sort(map.files.begin(), map.files.end(),
              [](const MappedFile& a, const MappedFile& b) { return a.path < b.path; });
    auto written = WriteFileMap(*repository, label, kPacks, map, ctx_);
    EXPECT_TRUE(written.ok()) << written.status().ToString();
    return ManifestOf(written.value(), label);
  };
  const BackupManifest good = write("good", 0600, 2000);
  ASSERT_TRUE(ReadFileMap(*repository, good, ctx_).ok());
  // The list is right, and the page is what it was in an earlier life of the label.
  const auto replace = [&](const std::string& key, uint32_t mode) {
    ASSERT_TRUE(memory_.Delete({key}, ctx_).ok());
    FileMap map;
    map.files = {{"x", 0, mode, 0, {}, {}}};
    std::string text;
    FileMapFormatter formatter(text);
    formatter.Header("good");
    for (const MappedFile& file : map.files) formatter.File(file);
    formatter.End();
    ASSERT_TRUE(StoreMapText(*repository, ObjectKind::kMapPage, key, "good", text, ctx_).ok());
  };
  const std::string page = layout::MapPageKey("good", 2);
  replace(page, 0600);
  const auto other = ReadFileMap(*repository, good, ctx_);
  EXPECT_EQ(other.code(), Code::kCorruption);
  EXPECT_NE(other.status().message().find(page), std::string::npos) << other.status().ToString();
  ASSERT_TRUE(memory_.Delete({page}, ctx_).ok());
  EXPECT_EQ(ReadFileMap(*repository, good, ctx_).code(), Code::kNotFound);
  // A manifest that tells of other pages than the list.
  BackupManifest fewer = write("fewer", 0600, 2000);
  fewer.map_pages[0].last--;
  EXPECT_EQ(ReadFileMap(*repository, fewer, ctx_).code(), Code::kCorruption);
  BackupManifest without_pack = write("packless", 0600, 3);
  without_pack.packs.pop_back();
  EXPECT_EQ(ReadFileMap(*repository, without_pack, ctx_).code(), Code::kCorruption);
  BackupManifest other_pack = write("packs", 0600, 3);
  other_pack.packs[1].key = "data/other/000008";
  EXPECT_EQ(ReadFileMap(*repository, other_pack, ctx_).code(), Code::kCorruption);
}

TEST(FileMapText, SurvivesAnyCut) {
  const FileMap map = SampleMap();
  const std::string text = Format(map);
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{64}, text.size()}) {
    const Parsed parsed = Parse(text, piece);
    ASSERT_TRUE(parsed.status.ok()) << parsed.status.ToString();
    ExpectEqual(parsed.map, map);
  }
}

TEST(FileMapText, APartialMapTellsOfItsPack) {
  const PartialHeader wanted{123456789012, 3, 42};
  std::string text;
  FileMapFormatter formatter(text);
  formatter.Header("L1", &wanted);
  formatter.End();
  PartialHeader header;
  FileMapSink sink;
  sink.partial = [&](const PartialHeader& found) { return header = found, Status::Ok(); };
  FileMapParser parser("L1", sink);
  ASSERT_TRUE(parser.Feed(AsBytes(text)).ok());
  EXPECT_TRUE(parser.Finish().ok());
  EXPECT_EQ(header.pack_bytes, wanted.pack_bytes);
  EXPECT_EQ(header.level, wanted.level);
  EXPECT_EQ(header.database_bytes, wanted.database_bytes);
}

TEST(FileMapText, EveryLineIsJson) {
  const std::string text = Format(SampleMap());
  EXPECT_EQ(text.back(), '\n');
  for (size_t from = 0; from < text.size();) {
    const size_t end = text.find('\n', from);
    EXPECT_TRUE(nlohmann::json::accept(text.substr(from, end - from))) << text.substr(from, end - from);
    from = end + 1;
  }
}

TEST(FileMapText, AListTellsOfItsPages) {
  MapPage page{"L0", 12, 345, std::string(64, 'c'), "odd\xFF", 7, 8, 9, {0, 5}, {"ab", "cd"}};
  const auto parse = [](const std::string& text, std::vector<MapPage>& pages) {
    FileMapSink sink;
    sink.page = [&](MapPage&& found) { return pages.push_back(std::move(found)), Status::Ok(); };
    FileMapParser parser("L1", sink);
    const Status fed = parser.Feed(AsBytes(text));
    return fed.ok() ? parser.Finish() : fed;
  };
  std::string text;
  FileMapFormatter formatter(text);
  formatter.Header("L1");
  formatter.Page(page);
  const std::string one = text + "{\"end\":{\"files\":0,\"frames\":0,\"pages\":1}}\n";
  std::vector<MapPage> pages;
  const Status parsed = parse(one, pages);
  ASSERT_TRUE(parsed.ok()) << parsed.ToString();
  ASSERT_EQ(pages.size(), 1U);
  EXPECT_EQ(pages[0].key(), "data/L0/page.000012");
  EXPECT_EQ(pages[0].stored_bytes, 345U);
  EXPECT_EQ(pages[0].sha256, page.sha256);
  EXPECT_EQ(pages[0].first_path, page.first_path);
  EXPECT_EQ(pages[0].files, 7U);
  EXPECT_EQ(pages[0].file_bytes, 8U);
  EXPECT_EQ(pages[0].fetch_bytes, 9U);
  EXPECT_EQ(pages[0].packs, page.packs);
  EXPECT_EQ(pages[0].state, page.state);
  formatter.Page(page);  // not after itself
  EXPECT_EQ(parse(text, pages).code(), Code::kCorruption);
  const auto without = [&](const std::string& what, const std::string& instead) {
    std::string changed = one;
    changed.replace(changed.find(what), what.size(), instead);
    return changed;
  };
  for (const std::string& bad :
       {without("page.000012", "000012"), without("cccc", "ccc"), without("cccc", "cCcc"), without("[0,5]", "[0,-5]"),
        without("6f6464ff", "2e2e"), without("\"packs\"", "\"pacts\""), without("\"pages\":1", "\"pages\":2")})
    EXPECT_EQ(parse(bad, pages).code(), Code::kCorruption) << bad;
}

TEST(FileMapText, LongListsAreCutIntoLines) {
  FileMap map;
  for (uint32_t i = 0; i < 3 * kFramesPerLine + 1; i++)
    map.frames.push_back({UINT32_MAX, {64 + uint64_t{i} * UINT32_MAX, UINT32_MAX, uint32_t{kMaxFramePlainBytes}}});
  MappedFile big{"a", uint64_t{1} << 62, 0600, 0, {}, {}};
  for (uint32_t i = 0; i < 2 * kExtentsPerLine + 9; i++)
    big.extents.push_back(
        {(uint64_t{1} << 61) + uint64_t{i} * kMaxFramePlainBytes, uint32_t{kMaxFramePlainBytes}, i, 0, true, ~0ULL});
  map.files = {big, {"b", 0, 0600, 0, {}, {}}};
  const std::string text = Format(map);
  size_t longest = 0;
  for (size_t from = 0; from < text.size();) {
    const size_t end = text.find('\n', from);
    longest = std::max(longest, end - from);
    from = end + 1;
  }
  EXPECT_LT(longest, kMaxFileMapLine);
  const Parsed parsed = Parse(text);
  ASSERT_TRUE(parsed.status.ok()) << parsed.status.ToString();
  ExpectEqual(parsed.map, map);
}

TEST(FileMapText, LongestPathsFitALine) {
  FileMap map;
  map.files = {{std::string(kMaxMappedPath, '\xFF'), 0, 0600, 0, {}}};
  EXPECT_TRUE(Parse(Format(map)).status.ok());
  map.files[0].path = std::string(kMaxMappedPath, '\x01');
  EXPECT_TRUE(Parse(Format(map)).status.ok());
  map.files[0].path.push_back('a');
  EXPECT_EQ(Parse(Format(map)).status.code(), Code::kCorruption);
}

TEST(FileMapText, UnknownFieldsAndLinesAreIgnored) {
  const std::string text =
      "{\"pg_pitr_files\":1,\"label\":\"L1\",\"later\":{\"a\":[1.5,null]}}\n{\"new\":1}\n"
      "{\"file\":\"a\",\"x\":\"y\",\"size\":0,\"mode\":384,\"mtime\":0,\"extents\":[]}\n{\"end\":{\"frames\":0,\"z\":0,"
      "\"files\":1}}\n";
  const Parsed parsed = Parse(text);
  ASSERT_TRUE(parsed.status.ok()) << parsed.status.ToString();
  EXPECT_EQ(parsed.map.files.size(), 1U);
}

TEST(FileMapText, EveryTruncationIsAnError) {
  const std::string text = Format(SampleMap());
  for (size_t size = 0; size < text.size(); size++) EXPECT_FALSE(Parse(text.substr(0, size)).status.ok()) << size;
}

TEST(FileMapText, NewerVersionIsRefusedWithAHint) {
  const Parsed parsed = Parse("{\"pg_pitr_files\":2,\"label\":\"L1\"}\n{\"end\":{\"files\":0,\"frames\":0}}\n");
  EXPECT_EQ(parsed.status.code(), Code::kInvalidArgument);
  EXPECT_NE(parsed.status.hint(), "");
}

TEST(FileMapText, AnotherBackupsMapIsRefused) {
  EXPECT_EQ(Parse(Format(SampleMap(), "L2")).status.code(), Code::kCorruption);
  EXPECT_TRUE(Parse(Format(SampleMap(), "L2"), SIZE_MAX, "").status.ok());
}

// Each line replaces line 3 (or is put there) of a good map; the message must name the line.
TEST(FileMapText, NoFileIsMadeASetUserIdProgram) {
  FileMap map = SampleMap();
  map.files[0].mode = 06755;
  const Parsed parsed = Parse(Format(map));
  ASSERT_TRUE(parsed.status.ok()) << parsed.status.ToString();
  EXPECT_EQ(parsed.map.files[0].mode, 0755u);
}

TEST(FileMapText, BadLinesAreNamed) {
  const std::string head = "{\"pg_pitr_files\":1,\"label\":\"L1\"}\n{\"frames\":[0,64,[100,4096],[100,10]]}\n";
  const std::string tail = "{\"end\":{\"files\":1,\"frames\":2}}\n";
  auto file = [](const std::string& path, const std::string& size, const std::string& extents) {
    return "{\"file\":\"" + path + "\",\"size\":" + size + ",\"mode\":384,\"mtime\":0,\"extents\":[" + extents + "]}\n";
  };
  const std::string check = "\"0123456789abcdef\"";
  ASSERT_TRUE(Parse(head + file("a", "4096", "[0,4096,0,0," + check + "]") + tail).status.ok());
  // Good where it belongs: the end line does not count it.
  const std::string kPageLine = "{\"page\":\"data/L1/page.000001\",\"size\":1,\"sha256\":\"" + std::string(64, 'a') +
                                "\",\"from\":\"a\",\"files\":1,\"bytes\":1,\"fetch\":1,\"packs\":[0]}\n";
  const std::string kBad[] = {
      "\n",
      "x\n",
      "[]\n",
      "{}x\n",
      "{\"file\":1}\n",
      "{\"file\":\"a\"}\n",
      std::string("{\"file\":\"a\0\"}\n", 13),
      file("", "0", ""),
      file("/etc/passwd", "0", ""),
      file("../a", "0", ""),
      file("a/../b", "0", ""),
      file("a/..", "0", ""),
      file("a//b", "0", ""),
      file("a/", "0", ""),
      file(".", "0", ""),
      file("a/./b", "0", ""),
      file("a\\u0000b", "0", ""),
      file("a", "-1", ""),
      file("a", "1.5", ""),
      file("a", "9223372036854775808", ""),
      file("a", "4095", "[0,4096,0,0," + check + "]"),                          // beyond the file
      file("a", "9999", "[18446744073709551615,4096,0,0," + check + "]"),       // overflow
      file("a", "4096", "[0,0,0,0," + check + "]"),                             // empty
      file("a", "4096", "[0,4096,2,0," + check + "]"),                          // no such frame
      file("a", "4096", "[0,4096,0,1," + check + "]"),                          // beyond the frame
      file("a", "4096", "[0,10,1,4294967295," + check + "]"),                   // overflow in the frame
      file("a", "4096", "[0,10,0,0," + check + "],[9,10,0,0," + check + "]"),   // overlap
      file("a", "4096", "[10,10,0,0," + check + "],[0,10,0,0," + check + "]"),  // order
      file("a", "4096", "[0,10,0,0,\"0123\"]"),
      file("a", "4096", "[0,10,0,0,\"0123456789abcdeg\"]"),
      file("a", "4096", "[0,10,0,0,5]"),
      file("a", "4096", "[0,10,0]"),
      file("a", "4096", "[0,10,0,0," + check + ",1]"),
      file("a", "4096", "[0,4294967296,0,0," + check + "]"),
      file("b", "0", "") + file("a", "0", ""),
      file("a", "0", "") + file("a", "0", ""),                                                 // order, twice
      "{\"file\":\"a\",\"file\":\"b\",\"size\":0,\"mode\":384,\"mtime\":0,\"extents\":[]}\n",  // field twice
      "{\"file\":\"a\",\"size\":0,\"mode\":4096,\"mtime\":0,\"extents\":[]}\n",                // mode
      "{\"file_hex\":\"2e2e\",\"size\":0,\"mode\":384,\"mtime\":0,\"extents\":[]}\n",          // ".." in hexadecimal
      "{\"file_hex\":\"2\",\"size\":0,\"mode\":384,\"mtime\":0,\"extents\":[]}\n",
      "{\"dir\":\"..\",\"mode\":448}\n",
      "{\"dir\":\"pg_tblspc/16400/.ssh\",\"mode\":448}\n",  // no directory of a version
      file("pg_tblspc/16400/PG_15_2022/5/1", "0", "") + file("pg_tblspc/16401/authorized_keys", "0", ""),
      "{\"dir\":\"a\"}\n",
      "{\"dir\":\"a\",\"mode\":-1}\n",
      "{\"link\":\"base\",\"target\":\"/etc\"}\n",
      "{\"link\":\"pg_tblspc/1/2\",\"target\":\"/etc\"}\n",
      "{\"link\":\"pg_tblspc/\",\"target\":\"/etc\"}\n",
      "{\"link\":\"pg_tblspc/16400\",\"target\":\"etc\"}\n",
      "{\"link\":\"pg_tblspc/16400\"}\n",
      "{\"extents\":[[0,10,0,0," + check + "]]}\n",
      "{\"frames\":[0,64]}\n",
      "{\"frames\":[0,63,[100,10]]}\n",
      "{\"frames\":[0,64,[24,10]]}\n",
      "{\"frames\":[0,64,[100,0]]}\n",
      "{\"frames\":[0,64,[100,16777217]]}\n",
      "{\"frames\":[4294967296,64,[100,10]]}\n",
      "{\"frames\":[0,18446744073709551600,[100,10]]}\n",
      "{\"frames\":[]}\n",
      "{\"pg_pitr_files\":1,\"label\":\"L1\"}\n",
      file("a", "0", "") + "{\"dir\":\"d\",\"mode\":448}\n",
      file("a", "0", "") + "{\"frames\":[0,300,[100,10]]}\n",
      file("a", "0", "") + "{\"pack\":\"data/L1/000001\",\"size\":1}\n",  // order
      "{\"pack\":\"data/L1/000001\",\"size\":1}\n",
      "{\"page\":\"data/L1/page.000001\",\"size\":1}\n",
      kPageLine,
      file("a", "0", "") + kPageLine,
      "{\"end\":{\"files\":0}}\n",
      "{\"end\":{\"files\":2,\"frames\":2}}\n",
      "{\"end\":{\"files\":0,\"frames\":2}}\n{\"new\":1}\n",
      std::string(kMaxFileMapLine + 1, ' ') + "\n"};
  for (const std::string& bad : kBad) {
    const Parsed parsed = Parse(head + bad + tail);
    EXPECT_EQ(parsed.status.code(), Code::kCorruption) << bad.substr(0, 120);
    EXPECT_NE(parsed.status.message().find("line "), std::string::npos) << parsed.status.message();
    EXPECT_EQ(Parse(head + bad + tail, 3).status.code(), Code::kCorruption) << bad.substr(0, 120);
  }
}

}  // namespace
}  // namespace pitr
