# The entry point for people. `make help` lists the targets.
#
# The module is built with PGXS, for the server that PG_CONFIG names. The core library and the pg_pitr binary know no
# PostgreSQL and are built once by CMake in build/cmake, with no path to the server headers: including postgres.h in
# src/core is a compile error. Parsing this file needs neither pg_config nor a compiler, so that `make demo` and
# `make test` can install what is missing first.

PG_CONFIG ?= pg_config
BUILD := build
CMAKE_DIR := $(BUILD)/cmake
CORE_LIB := $(CMAKE_DIR)/libpitr_core.a
BINARY := $(CMAKE_DIR)/pg_pitr
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)

MODULE_big = pg_pitr
EXTENSION = pg_pitr
DATA = $(wildcard sql/pg_pitr--*.sql)

# Objects of different servers live in different directories, and the module is linked anew whenever the server, the
# compiler or the flags differ from those it was last linked with.
PG_VERSION_TEXT := $(shell $(PG_CONFIG) --version)
OBJ_DIR := $(BUILD)/pg$(shell echo '$(PG_VERSION_TEXT)' | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
STAMP := $(BUILD)/server.stamp
SERVER_SOURCES := $(sort $(wildcard src/server/*.cpp))
# Several sources in one go, as CMakeLists.txt has it for the core (and with its limits): half of the time of a build from nothing. UNITY= for each alone.
UNITY ?= 1
ifdef UNITY
in_units := unit1 unit2 unit3 unit4
unit1 := $(wordlist 1,8,$(SERVER_SOURCES))
unit2 := $(wordlist 9,16,$(SERVER_SOURCES))
unit3 := $(wordlist 17,24,$(SERVER_SOURCES))
unit4 := $(wordlist 25,1000,$(SERVER_SOURCES))
OBJS = $(in_units:%=$(OBJ_DIR)/server/%.o)
else
OBJS = $(SERVER_SOURCES:src/%.cpp=$(OBJ_DIR)/%.o)
endif
EXTRA_CLEAN = $(BUILD)

override with_llvm = no
# -Wno-register: headers of PostgreSQL 15 still say "register", which C++17 removed. No -fvisibility=hidden here: PGDLLEXPORT
# is empty before PostgreSQL 16 (which adds the flag itself), so exports.map is what limits the symbols everywhere.
# SANITIZE: flags that scripts/server-san.sh adds; assertions are for these builds, as CMakeLists.txt has it for the core. Where warnings are
# errors: CMakeLists.txt says why.
werror = $(if $(filter 12,$(shell $(lastword $(CXX)) -dumpversion)),-Werror)
PG_CXXFLAGS = -std=c++20 -Wall -Wextra $(werror) -Wno-missing-field-initializers -Wno-register -fvisibility-inlines-hidden $(or $(SANITIZE),-DNDEBUG)
# What was built elsewhere brings the headers with it that are part of its interface.
PG_CPPFLAGS = $(if $(CORE_BUILT),-isystem $(CMAKE_DIR)/include) -Isrc
SHLIB_LINK = $(CORE_LIB) -lcurl -lssl -lcrypto -lzstd -lxxhash -lpugixml -lstdc++ -lpthread \
	-Wl,--version-script=exports.map -Wl,--exclude-libs,ALL $(SANITIZE)
include $(PGXS)

# V=1 shows whole commands. ccache is used when it is there, unless CXX already says so.
quiet := $(if $(V),,@)
ccache := $(if $(findstring ccache,$(CXX)),,$(shell command -v ccache))
# The server's own headers are not held to our warnings.
server_cppflags = $(patsubst -I/%,-isystem /%,$(filter-out -I. -I./,$(CPPFLAGS)))
stamp_text := $(PGXS) $(PG_VERSION_TEXT) | $(CXX) $(CXXFLAGS) | $(server_cppflags)

$(OBJ_DIR)/%.o: src/%.cpp $(STAMP)
	@mkdir -p $(@D)
	@echo '$(firstword $(CXX)) $<'
	$(quiet)$(ccache) $(CXX) $(CXXFLAGS) $(server_cppflags) -MMD -MP -c -o $@ $<
# Written anew when the list of sources changes.
includes_of = printf '\#include "%s"\n' $($(1):src/%=%)
$(in_units:%=$(OBJ_DIR)/server/%.cpp): $(OBJ_DIR)/server/%.cpp: force
	@mkdir -p $(@D)
	@$(call includes_of,$*) | cmp -s - $@ || $(call includes_of,$*) >$@
# -Wno-subobject-linkage: takes the included sources for headers.
$(in_units:%=$(OBJ_DIR)/server/%.o): $(OBJ_DIR)/server/%.o: $(OBJ_DIR)/server/%.cpp $(STAMP)
	@echo '$(firstword $(CXX)) $($*:src/%=%)'
	$(quiet)$(ccache) $(CXX) $(CXXFLAGS) -Wno-subobject-linkage $(server_cppflags) -MMD -MP -c -o $@ $<
-include $(OBJS:.o=.d)

$(STAMP): force
	@mkdir -p $(BUILD)
	@printf '%s\n' '$(subst ','\'',$(stamp_text))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(stamp_text))' >$@

$(shlib): $(STAMP) $(CORE_LIB) exports.map

# Where man and the shells look, whatever server this is for: beside bin, or on Debian beside lib/postgresql/17/bin.
share_dir := $(shell echo '$(bindir)' | sed -E 's,/bin/*$$,,; s,/lib/postgresql/[0-9]+$$,,')/share
man_dir := $(share_dir)/man/man1
bash_dir := $(share_dir)/bash-completion/completions
zsh_dir := $(share_dir)/zsh/$(if $(wildcard /etc/debian_version),vendor-completions,site-functions)
fish_dir := $(share_dir)/fish/vendor_completions.d

# Nine tenths of what is built are debug information, which goes into a file of its own where gdb looks for it; but what SANITIZE reports
# is read at once. Each file is replaced and never written into: a server may have it open. (FILE, DIRECTORY)
name_of = $(notdir $(1))
debug_of = '$(DESTDIR)$(2)/.debug/$(name_of).debug'
define install_split
$(MKDIR_P) '$(DESTDIR)$(2)/.debug'
objcopy --only-keep-debug --compress-debug-sections $(1) $(debug_of)
objcopy --strip-unneeded --add-gnu-debuglink=$(debug_of) $(1) $(BUILD)/$(name_of).stripped
$(INSTALL_PROGRAM) $(BUILD)/$(name_of).stripped '$(DESTDIR)$(2)/$(name_of)'
@rm -f $(BUILD)/$(name_of).stripped
endef

all: $(BINARY)
install: install-binary install-manual install-completion
ifndef SANITIZE
install: install-stripped-module
install-stripped-module: install-lib
	$(call install_split,$(shlib),$(pkglibdir))
endif
install-binary: $(BINARY)
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
ifdef SANITIZE
	$(INSTALL_PROGRAM) $(BINARY) $(BINARY)_wal_get '$(DESTDIR)$(bindir)/'
else
	$(call install_split,$(BINARY),$(bindir))
	$(call install_split,$(BINARY)_wal_get,$(bindir))
endif
# The binary writes its own pages.
install-manual: $(BINARY)
	$(MKDIR_P) '$(DESTDIR)$(man_dir)' $(BUILD)/manual
	$(BINARY) __manual $(BUILD)/manual
	$(INSTALL_DATA) $(BUILD)/manual/*.1 '$(DESTDIR)$(man_dir)/'
install-completion:
	$(MKDIR_P) '$(DESTDIR)$(bash_dir)' '$(DESTDIR)$(zsh_dir)' '$(DESTDIR)$(fish_dir)'
	$(INSTALL_DATA) src/cli/shell/pg_pitr.bash '$(DESTDIR)$(bash_dir)/pg_pitr'
	$(INSTALL_DATA) src/cli/shell/_pg_pitr '$(DESTDIR)$(zsh_dir)/_pg_pitr'
	$(INSTALL_DATA) src/cli/shell/pg_pitr.fish '$(DESTDIR)$(fish_dir)/pg_pitr.fish'
uninstall: uninstall-binary
uninstall-binary:
	rm -f '$(DESTDIR)$(pkglibdir)/.debug/pg_pitr.so.debug' '$(DESTDIR)$(bindir)'/.debug/pg_pitr.debug '$(DESTDIR)$(bindir)'/.debug/pg_pitr_wal_get.debug
	rm -f '$(DESTDIR)$(man_dir)'/pg_pitr.1 '$(DESTDIR)$(man_dir)'/pg_pitr-*.1
	rm -f '$(DESTDIR)$(bash_dir)/pg_pitr' '$(DESTDIR)$(zsh_dir)/_pg_pitr' '$(DESTDIR)$(fish_dir)/pg_pitr.fish'
	rm -f '$(DESTDIR)$(bindir)/pg_pitr' '$(DESTDIR)$(bindir)/pg_pitr_wal_get'

else # no server development files

all install uninstall installcheck:
	@echo "No PostgreSQL server development files found with PG_CONFIG=$(PG_CONFIG)." >&2
	@echo "On Debian: scripts/install-deps.sh build; elsewhere set PG_CONFIG=/path/to/pg_config." >&2
	@exit 1
clean:
	rm -rf $(BUILD) pg_pitr.so

endif

# The compiler is CMake's default unless CXX was given by the caller. CMAKE_OPTIONS: for the first run, as -DPITR_UNITY=OFF.
ifneq ($(filter environment% command%,$(origin CXX)),)
cmake_cxx := -DCMAKE_CXX_COMPILER=$(lastword $(CXX))
endif

$(CMAKE_DIR)/CMakeCache.txt:
	cmake -S . -B $(CMAKE_DIR) $(if $(shell command -v ninja),-G Ninja) -DPITR_TESTS=OFF $(cmake_cxx) $(CMAKE_OPTIONS) >/dev/null
# CMake knows what is out of date; one run builds the library and the binary. CORE_BUILT: they are there already, made elsewhere.
ifdef CORE_BUILT
core: ;
else
core: $(CMAKE_DIR)/CMakeCache.txt
	@cmake --build $(CMAKE_DIR) -j $(JOBS) --target pg_pitr pg_pitr_wal_get
endif
# Programs that tests compare with pg_waldump and with a server.
dumps: core
	@cmake --build $(CMAKE_DIR) -j $(JOBS) --target pitr_wal_dump pitr_change_dump pitr_time_dump
$(CORE_LIB) $(BINARY): core ;

demo: ## the whole story: rows, backup, an accident, recovery to just before it; STORE=directory (default) or s3
	@scripts/install-deps.sh build test $(if $(filter s3,$(STORE)),s3)
	@scripts/with-private-install.sh $(if $(filter s3,$(STORE)),test/lib/rgw.sh run --) scripts/demo.sh $(or $(STORE),directory)

test: ## everything below on this machine's PostgreSQL; installs what it needs
	@scripts/install-deps.sh build test s3 tidy sanitize
	@test/run-tests.sh

test-unit: ## unit tests
	test/run-tests.sh unit
test-sanitize: ## unit tests under ASan + UBSan, then TSan
	test/run-tests.sh asan tsan
test-server-san: ## server tests on a module built with ASan + UBSan, in build/server-san; TESTS names TAP files
	scripts/server-san.sh
test-store: ## the store suite on every store, with a real S3 server over HTTP and TLS
	test/run-tests.sh store
test-regress: ## pg_regress
	test/run-tests.sh regress
test-pgtap: ## pgTAP
	test/run-tests.sh pgtap
test-tap: ## Perl TAP with real clusters; TESTS="test/t/001_archive.pl ..." for some of them
	test/run-tests.sh tap
test-matrix: ## the server-side tests on PostgreSQL 17, 18 and 19 in throw-away chroots; MATRIX="17 18" for some of them
	scripts/matrix.sh $(MATRIX)
test-soak: ## random stories of recoveries against a model, 5 s each and processor; STORIES=200, SEED=n, or STORY='1: table a; ...', SHRINK=1
	@scripts/install-deps.sh build test
	@scripts/with-private-install.sh test/soak/soak.py --stories $(or $(STORIES),200) $(if $(SEED),--seed $(SEED)) --jobs $(JOBS) \
	  $(if $(STORY),--whole-log --story '$(STORY)') $(if $(FILE),--file $(FILE)) $(if $(SHRINK),--shrink)
test-walk: ## every command block of README and the runbook, run on a stock Debian cluster in namespaces of its own; needs root
	@scripts/install-deps.sh build s3 walk-test
	@$(MAKE) --no-print-directory all
	@test/walk/walk.sh
test-faults: ## archive, back up, expire, verify, restore while calls fail, processes are killed and the power goes; FAULTS=500 each on a directory and S3, SEED=n
	@scripts/install-deps.sh build test
	@FAULTS=$(or $(FAULTS),500) SEED=$(or $(SEED),$$$$) test/run-tests.sh faults
fuzz: ## every parser of untrusted bytes, FUZZ_SECONDS=10 for each target; TARGETS="json keys" for some, KEEP=1 adds what reaches more to the corpus
	@scripts/install-deps.sh build
	@cmake -S . -B $(BUILD)/fuzz $(if $(shell command -v ninja),-G Ninja) -DPITR_TESTS=OFF -DPITR_FUZZ=ON -DPITR_SANITIZE=address \
	  -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS='-O1 -g1' >/dev/null
	@cmake --build $(BUILD)/fuzz -j $(JOBS) --target fuzz_targets
	@printf '%s\n' $(or $(TARGETS),$$($(BUILD)/fuzz/fuzz_targets --list)) | xargs -n 1 -P $(JOBS) \
	  $(BUILD)/fuzz/fuzz_targets --seconds $(or $(FUZZ_SECONDS),10) --seed $${SEED:-$$$$} $(if $(KEEP),--keep)
bench: ## ratios against pgBackRest, pg_basebackup and zstd; BENCH="--gigabytes 1 --runs 1" for options
	@scripts/install-deps.sh build test s3 bench
	@scripts/with-private-install.sh test/lib/rgw.sh run -- bench/bench.py $(BENCH)
bench-steady: ## whether archiving keeps up: STEADY="--seconds 300 --rate 5" for options
	@scripts/install-deps.sh build test s3
	@scripts/with-private-install.sh test/lib/rgw.sh run -- bench/steady.py $(STEADY)
bench-scale: ## time, requests and memory against the size of archive and cluster; SEGMENTS="1000 3150000", FILES="1000 1000000", GIGABYTES="10 10000"; files go to TMPDIR
	@scripts/install-deps.sh build test
	@cmake -S . -B $(CMAKE_DIR) $(if $(shell command -v ninja),-G Ninja) -DPITR_TESTS=ON >/dev/null && cmake --build $(CMAKE_DIR) -j $(JOBS) --target scale_bench
	@$(CMAKE_DIR)/scale_bench --segments $(or $(SEGMENTS),1000 10000 100000 3150000)
	@$(CMAKE_DIR)/scale_bench --files $(or $(FILES),1000 10000 100000)
	@$(CMAKE_DIR)/scale_bench --gigabytes $(or $(GIGABYTES),10 100 1000 10000)
format: ## reformat the sources
	scripts/format.sh fix
tidy: ## the rules of the house, and clang-tidy on changed files (FILES=all for every file)
	test/tidy/tidy.py
	scripts/clang-tidy.sh $(FILES)
check-exports: all ## only the symbols the server needs are exported, and every one the SQL names
	scripts/check-exports.sh pg_pitr.so

help:
	@echo "make [PG_CONFIG=...]       build the server module and the pg_pitr binary"
	@echo "make install               install both, and the extension"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS="$$(printf '\t')" read -r t d; do \
	  printf 'make %-21s %s\n' "$$t" "$$d"; done
	@echo "make clean                 remove what was built"

force:
.PHONY: all install uninstall install-stripped-module install-binary install-manual install-completion uninstall-binary core dumps force demo test test-unit test-sanitize test-server-san test-store \
	test-regress test-pgtap test-tap test-walk test-faults fuzz test-soak test-matrix bench bench-scale bench-steady format tidy check-exports help clean
.DEFAULT_GOAL := all
