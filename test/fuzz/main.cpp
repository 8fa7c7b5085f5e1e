// usage: fuzz_targets [--seconds N] [--seed N] [--corpus DIR] [--keep] [TARGET...], or fuzz_targets --list
// Runs each target on what is kept of it, then on mutations of that for its part of N seconds (default 0). Built with
// PITR_FUZZ (make fuzz) the code under test reports where it goes, and inputs that reach what none has reached before
// are mutated further; --keep adds the small ones to the corpus. Otherwise mutation is blind, which needs no build of
// its own. What a target dies of is on stderr, escaped as in the corpus, and in the file fuzz-<target>.input.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>

#include "fuzz/corpus.h"
#include "fuzz/target.h"

#ifdef PITR_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif

namespace {

using namespace pitr::fuzz;

constexpr size_t kMaxInput = 4096;
constexpr size_t kMaxKeptInput = 512, kMaxKeptInputs = 60;
constexpr unsigned kMaxSeconds = 20;  // for one input
constexpr int kEdgeBits = 18;

std::string running_target, running_input;
[[maybe_unused]] uint8_t edges[size_t{1} << kEdgeBits];
bool reached_more = false;  // since it was last set to false: an edge that was never reached before

// What killed the target; called when the process is about to die.
void TellInput() {
  fprintf(stderr, "\nfuzz target %s died of:\n%s\n", running_target.c_str(), EscapeInput(running_input).c_str());
  std::ofstream("fuzz-" + running_target + ".input", std::ios::binary) << running_input;
}
void OnDeadly(int signal_number) {
  TellInput();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void RunOne(const Target& target, const std::string& input) {
  running_input = input;
  // Exactly as long as the input: a sanitizer sees a byte read beyond.
  const std::vector<uint8_t> exact(input.begin(), input.end());
  alarm(kMaxSeconds);
  (void)target.run(exact.data(), exact.size());
  alarm(0);
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, uint64_t seed) : corpus_(corpus), random_(seed) {}

  std::string Next() {
    std::string input = corpus_.empty() ? std::string() : corpus_[Below(corpus_.size())];
    for (size_t left = 1 + Below(6); left > 0; left--) Change(input);
    if (input.size() > kMaxInput) input.resize(kMaxInput);
    return input;
  }

 private:
  size_t Below(size_t n) { return n == 0 ? 0 : random_() % n; }

  void Change(std::string& input) {
    const size_t at = Below(input.size() + 1);
    switch (Below(9)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
        break;
      case 1:
        if (at < input.size()) input[at] = static_cast<char>(Below(256));
        break;
      case 2:
        input.insert(at, Below(17), static_cast<char>(Below(256)));
        break;
      case 3:
        input.erase(at, 1 + Below(Below(2) == 0 ? 4 : input.size() + 1));
        break;
      case 4:
        ReplaceNumber(input);
        break;
      case 5:
        input.insert(at, Piece(input));
        break;
      case 6:
        if (!corpus_.empty()) input.insert(at, Piece(corpus_[Below(corpus_.size())]));
        break;
      case 7:
        OverwriteInteger(input);
        break;
      case 8:
        input.insert(at, kWords[Below(std::size(kWords))]);
        break;
    }
  }
  std::string Piece(const std::string& of) {
    const size_t from = Below(of.size() + 1);
    return of.substr(from, 1 + Below(64));
  }
  // A number in digits becomes one of those at which things break.
  void ReplaceNumber(std::string& input) {
    const size_t begin = input.find_first_of("0123456789", Below(input.size() + 1));
    if (begin == std::string::npos) return;
    size_t end = input.find_first_not_of("0123456789", begin);
    if (end == std::string::npos) end = input.size();
    input.replace(begin, end - begin, kNumbers[Below(std::size(kNumbers))]);
  }
  void OverwriteInteger(std::string& input) {
    constexpr uint64_t kValues[] = {0,      1,          0x7f,       0x80,       0xff,      0x7fff,
                                    0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX};
    const uint64_t value = kValues[Below(std::size(kValues))];
    const size_t width = size_t{1} << Below(4);
    if (input.size() < width) return;
    memcpy(input.data() + Below(input.size() - width + 1), &value, width);
  }

  static constexpr const char* kNumbers[] = {"0",
                                             "1",
                                             "-1",
                                             "255",
                                             "65536",
                                             "2147483647",
                                             "2147483648",
                                             "4294967295",
                                             "4294967296",
                                             "9223372036854775807",
                                             "9223372036854775808",
                                             "18446744073709551615",
                                             "18446744073709551616",
                                             "00000000000000000001",
                                             "1e309",
                                             "0.5"};
  static constexpr const char* kWords[] = {
      "../",     "/",    "//",   ".",       "\n",   "\r\n",     "\t",       "'",        "\"",
      "\\",      "{",    "}",    "[",       "]",    ":",        ",",        "<",        ">",
      "&amp;",   "&#0;", "%2e",  "%",       "=",    "#",        "\xff",     "\xc0\x80", "\xed\xa0\x80",
      "\\u0000", "null", "true", "backup/", "wal/", "00000001", "FFFFFFFF", ".history", ".partial",
      "+",       "-",    "::",   "@"};
  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_;
};

struct Options {
  std::string corpus_directory = "test/fuzz/corpus";
  double seconds = 0;  // for each target
  uint64_t seed = 1;
  bool keep = false;
  std::vector<std::string> wanted;
};

void Fuzz(const Target& target, const Options& options) {
  using Clock = std::chrono::steady_clock;
  running_target = target.name;
  std::vector<std::string> corpus = ReadCorpus(options.corpus_directory, target.name), keep = corpus;
  for (const std::string& input : corpus) RunOne(target, input);
  RunOne(target, "");
  const size_t kept = corpus.size();
  uint64_t runs = kept + 1;
  reached_more = false;
  Mutator mutator(corpus, options.seed);
  for (const auto until = Clock::now() + std::chrono::duration<double>(options.seconds); Clock::now() < until; runs++) {
    std::string input = mutator.Next();
    RunOne(target, input);
    if (!reached_more) continue;
    reached_more = false;
    if (input.size() <= kMaxKeptInput && keep.size() < kMaxKeptInputs) keep.push_back(input);
    corpus.push_back(std::move(input));
  }
  if (options.keep) WriteCorpus(options.corpus_directory, target.name, keep);
  printf("%s\t%llu runs, %zu inputs reached more\n", target.name, static_cast<unsigned long long>(runs),
         corpus.size() - kept);
  fflush(stdout);
}

// False when the command line is wrong.
bool ReadOptions(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i++) {
    const std::string word = argv[i];
    if (word == "--keep") {
      options.keep = true;
    } else if (!word.starts_with("--")) {
      options.wanted.push_back(word);
    } else if (i + 1 == argc) {
      return false;
    } else if (word == "--seconds") {
      options.seconds = atof(argv[++i]);
    } else if (word == "--seed") {
      options.seed = strtoull(argv[++i], nullptr, 10);
    } else if (word == "--corpus") {
      options.corpus_directory = argv[++i];
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

#if defined(PITR_FUZZ)
// What the compiler puts at every edge of the code under test.
extern "C" __attribute__((visibility("default"), no_sanitize_coverage)) void __sanitizer_cov_trace_pc() {
  static thread_local uintptr_t before = 0;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  uint8_t& edge = edges[((here ^ (before >> 1)) * 0x9E3779B97F4A7C15u) >> (64 - kEdgeBits)];
  before = here;
  if (edge == 0) edge = reached_more = true;
}
#endif

int main(int argc, char** argv) {
  auto& targets = Targets();
  std::sort(targets.begin(), targets.end(),
            [](const Target& a, const Target& b) { return strcmp(a.name, b.name) < 0; });
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (const Target& target : targets) puts(target.name);
    return 0;
  }
  Options options;
  if (!ReadOptions(argc, argv, options)) return fputs("fuzz_targets: wrong command line\n", stderr), 2;
  std::vector<Target> chosen;
  for (const Target& target : targets)
    if (options.wanted.empty() || std::count(options.wanted.begin(), options.wanted.end(), target.name) > 0)
      chosen.push_back(target);
  if (chosen.empty() || chosen.size() < options.wanted.size())
    return fputs("fuzz_targets: no such target\n", stderr), 2;
  for (const int number : {SIGABRT, SIGILL, SIGALRM}) signal(number, OnDeadly);
#ifdef PITR_ADDRESS_SANITIZER
  __sanitizer_set_death_callback(TellInput);
#else
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE}) signal(number, OnDeadly);
#endif
  options.seconds /= static_cast<double>(chosen.size());
  for (const Target& target : chosen) Fuzz(target, options);
  return 0;
}
