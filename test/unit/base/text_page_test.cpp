// Starts no thread.
#include "core/base/text_page.h"

#include <gtest/gtest.h>

#include <sstream>

namespace pitr {
namespace {

TEST(TextPageTest, TablesAndItems) {
  EXPECT_EQ(AlignTable({{"a", "b"}, {"long", "x"}}, 2), "  a     b\n  ----  -\n  long  x\n");
  EXPECT_EQ(AlignItems({{"a", "one\ntwo"}, {"long", "x"}}, 0), "a     one\n      two\nlong  x\n");
}

TEST(TextPageTest, ATableThatDoesNotFitHasTheNeededColumns) {
  const TableRows rows = {{"label", "much", "why"}, {"a", std::string(30, 'x'), "so"}};
  EXPECT_EQ(FitTable(rows, {0, 2}, 0, 80), AlignTable(rows, 0));
  EXPECT_EQ(FitTable(rows, {0, 2}, 0, 30), "label  why\n-----  ---\na      so\n");
}

TEST(TextPageTest, CellsThatAreTooLongAreBrokenOrGetALine) {
  EXPECT_EQ(FitTable({{"label", "why"}, {"a", "one two three four five six"}}, {0, 1}, 0, 24),
            "label  why\n"
            "-----  -----------------\n"
            "a      one two three\n"
            "       four five six\n");
  EXPECT_EQ(FitTable({{"label", "t", "why"}, {"the-nightly-backup-of-may", "x", "one two three four"}, {"a", "y", "b"}},
                     {0, 1, 2}, 0, 30),
            "label      t  why\n"
            "---------  -  ----------------\n"
            "the-nightly-backup-of-may\n"
            "           x  one two three\n"
            "              four\n"
            "a          y  b\n");
}

TEST(TextPageTest, ALongItemHasALineOfItsOwn) {
  EXPECT_EQ(AlignItems({{"restore: the plan", "ok"}, {"store", "x"}}, 0, 40),
            "restore: the plan\n       ok\nstore  x\n");
}

TEST(TextPageTest, LinesGoOnBelowTheirBeginning) {
  EXPECT_EQ(WrapPage("one two three four five\n", 17), "one two three\nfour five\n") << "a sentence";
  EXPECT_EQ(WrapPage("item   one two three four five six seven\n", 30),
            "item   one two three four five\n       six seven\n");
  EXPECT_EQ(WrapPage("  a: one two three four five\n", 20), "  a: one two three\n    four five\n");
  EXPECT_EQ(WrapPage("short\n\nlines", 20), "short\n\nlines");
  EXPECT_EQ(WrapPage("a /very/long/path/that/nobody/would/break b", 12),
            "a\n/very/long/path/that/nobody/would/break\nb");
  EXPECT_EQ(WrapPage("item   /very/long/path/that/nobody/would/break\n", 42),
            "item\n    /very/long/path/that/nobody/would/break\n");
  EXPECT_EQ(WrapPage("pg_pitr: \x1b[1;31merror:\x1b[0m no such thing\nDETAIL:  It was never there.\n", 30),
            "pg_pitr: \x1b[1;31merror:\x1b[0m no such thing\nDETAIL:  It was never there.\n")
      << "colours take no room";
  EXPECT_EQ(WrapPage("HINT:  Ask for one that is there.\n", 24), "HINT:  Ask for one that\n       is there.\n");
  EXPECT_EQ(WrapPage("a b", kAnyWidth), "a b");
}

// What is pasted from the screen is what was meant.
TEST(TextPageTest, ACommandIsBrokenAsAShellReadsIt) {
  const std::string command = "pg_pitr restore -D /srv/data --target-time '2026-05-22 14:29:00+02' --backup x";
  const std::string broken =
      "  pg_pitr restore -D /srv/data \\\n      --target-time '2026-05-22 14:29:00+02' \\\n      --backup x";
  EXPECT_EQ(WrapPage("  " + command, 46), broken);
  EXPECT_EQ(WrapPage("command  " + command, 55),
            "command  pg_pitr restore -D /srv/data \\\n             --target-time '2026-05-22 14:29:00+02' \\\n"
            "             --backup x");
}

TEST(TextPageTest, SoIsOneWithinASentence) {
  EXPECT_EQ(WrapPage("NOTE: To remove it: rm -r '/srv/some where' '/srv/else'", 42),
            "NOTE: To remove it: rm -r \\\n'/srv/some where' '/srv/else'");
  EXPECT_EQ(WrapPage("To leave it out: pg_pitr timeline set-aside 2, and then look on", 43),
            "To leave it out: pg_pitr timeline \\\nset-aside 2, and then look on");
  EXPECT_EQ(WrapPage("Run sudo -u postgres pg_pitr take-over -D /srv/data --force. Then go on as usual.", 47),
            "Run sudo -u postgres pg_pitr take-over \\\n-D /srv/data --force. Then go on as usual.");
  EXPECT_EQ(WrapPage("Whatever that is, pg_pitr info lists the backups", 27),
            "Whatever that is,\npg_pitr info lists the\nbackups")
      << "prose needs none";
}

}  // namespace
}  // namespace pitr
