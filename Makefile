# Build and test Handfast. V=release|debug|asan|tsan|cov picks a build; each has its own directory.
#   make  test  check  check-full  demo  conformance  programs  realworld  bench  fuzz  fmt  clauses  install  clean
V ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
COMMA := ,
VERSION := 0.1.0
SONAME := libhandfast.so.0
FUZZ_S ?= 60
J := -j$(shell nproc)
B := build/$(V)

WARN := -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wcast-qual -Wvla -Wno-unused-parameter
FLAGS_release := -O2 -g
FLAGS_debug := -O0 -g3
FLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_tsan := -O1 -g -fsanitize=thread
FLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FLAGS_cov := -O0 -g --coverage
CFLAGS += $(WARN) $(FLAGS_$(V)) -Iinclude -Isrc -fPIC -fno-semantic-interposition -MMD -MP -DHF_VERSION='"$(VERSION)"'
LDFLAGS += $(filter -fsanitize=% --coverage,$(FLAGS_$(V)))

find_c = $(sort $(if $(wildcard $(1)),$(shell find $(wildcard $(1)) -name '*.c')))
CORE_SRC := $(call find_c,src/base src/wire src/net src/transport src/netlink src/socket src/stack)
LIB_SRC := $(call find_c,src/host src/links)
CMD_SRC := $(call find_c,src/gateway src/run src/cli)
DRILL_SRC := $(call find_c,src/packetdrill)
UNIT_SRC := $(call find_c,tests/unit)
SIM_SRC := $(call find_c,tests/sim)# linked as unit tests are; what they print is compared
PLAIN_SRC := $(call find_c,tests/posix tests/platform)# conformance programs: nothing of ours is linked
CORE_OBJ := $(CORE_SRC:%.c=$(B)/%.o)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
DRILL_OBJ := $(DRILL_SRC:%.c=$(B)/%.o)
CMD_OBJ := $(CMD_SRC:%.c=$(B)/%.o)
UNIT_BIN := $(UNIT_SRC:%.c=$(B)/%)
SIM_BIN := $(SIM_SRC:%.c=$(B)/%)
PLAIN_BIN := $(PLAIN_SRC:%.c=$(B)/%)
SCRIPT_BIN := $(B)/tests/script/page# plays the pages beside it
SCRIPT_KERNEL := $(B)/tests/script/kernel/page# the same, to the kernel
DIFF_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/diff/*.c))
LIBRARY_BIN := $(patsubst tests/posix/%.c,$(B)/tests/library/%,$(filter tests/posix/%,$(PLAIN_SRC)))
FUZZ_BIN := $(patsubst %.c,$(B)/%,$(wildcard fuzz/*.c))
PROGRAMS := $(addprefix $(B)/tests/programs/,hostile scarce storm interfaces narrow.so \
              $(if $(shell command -v musl-gcc),client-musl interfaces-musl) \
              $(if $(shell command -v go),client-go interfaces-go))
SOAK_BIN := $(B)/tests/soak/soak
PATH_BIN := $(addprefix $(B)/bench/path/,wire peer core)
# The bench: client and server are ordinary programs, as users have them; of the sides that are compared the
# kernel's and the face's are one source, and lwIP is there when its source is.
BENCH_SIDES := $(addprefix $(B)/bench/,core kernel face scenario)
BENCH_BIN := $(addprefix $(B)/bench/,client server) $(BENCH_SIDES)
BENCH_INC := -Ibench -D_GNU_SOURCE
BENCH_ENV := HANDFAST=$(B)/handfast BENCH_BIN=$(B)/bench

all: $(B)/libhandfast.a $(B)/$(SONAME) $(B)/handfast

LTO := $(if $(and $(filter release,$(V)),$(findstring gcc,$(CC))),-O3 -flto=auto)
LTO_OBJ := $(if $(LTO),$(CORE_SRC:%.c=$(B)/lto/%.o))
# By itself gcc clears and copies blocks of some hundred bytes by "rep stos", whose beginning alone costs more.
BLOCKS := $(if $(and $(findstring gcc,$(CC)),$(findstring x86_64,$(shell $(CC) -dumpmachine))),\
            -mmemset-strategy=vector_loop:512:noalign$(COMMA)libcall:-1:noalign \
            -mmemcpy-strategy=libcall:-1:noalign)
$(CORE_OBJ) $(LTO_OBJ): CFLAGS += -ffreestanding -fbuiltin $(BLOCKS)# memcpy of a few bytes is no call
$(B)/core.o: private CFLAGS += -ffreestanding -fbuiltin $(BLOCKS)
LDFLAGS += -fno-lto
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<
# The core is one object, across whose files a release by gcc optimises, unless LTO= is said; objects of its own make it.
$(B)/lto/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LTO) -c -o $@ $<
$(B)/core.o: $(or $(LTO_OBJ),$(CORE_OBJ))
	$(if $(LTO),$(CC) $(CFLAGS) $(LTO) -r -nostdlib -flinker-output=nolto-rel,$(LD) -r) -o $@ $^
	objcopy --wildcard -R '.gnu.lto_*' -R '.gnu.debuglto_*' $@
# Unit tests link the layers as they are; a user's archive shows hf_* and nothing else.
$(B)/layers.a: $(CORE_OBJ) $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/command.a: $(CMD_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/libhandfast.a: $(B)/core.o $(LIB_OBJ)
	@rm -f $@
	$(LD) -r -o $(B)/handfast-all.o $^
	objcopy --wildcard --keep-global-symbol='hf_*' $(B)/handfast-all.o
	$(AR) rcs $@ $(B)/handfast-all.o
$(B)/$(SONAME): tools/libhandfast.map $(B)/core.o $(LIB_OBJ)
	$(CC) $(LDFLAGS) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$< -o $@ $(filter %.o,$^)
	ln -sf $(SONAME) $(B)/libhandfast.so
$(DRILL_OBJ): CFLAGS += -D_GNU_SOURCE -fvisibility=hidden
$(B)/libhandfast-packetdrill.so: $(DRILL_OBJ) $(CORE_OBJ) src/packetdrill/exports.map
	$(CC) $(LDFLAGS) -shared -Wl,--version-script=src/packetdrill/exports.map -o $@ $(filter %.o,$^) -pthread
$(B)/handfast: $(CMD_OBJ) $(B)/core.o $(B)/layers.a
	$(CC) $(LDFLAGS) -o $@ $^ -lseccomp
$(UNIT_BIN) $(SIM_BIN): $(B)/tests/%: tests/%.c $(B)/command.a $(B)/layers.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -Itests -o $@ $< $(B)/command.a $(B)/layers.a -pthread -lseccomp
$(SOAK_BIN): tests/soak/soak.c $(B)/libhandfast.a
	@mkdir -p $(@D)
	$(CC) $(WARN) $(FLAGS_$(V)) $(LDFLAGS) -MMD -MP -Iinclude -Itests -o $@ $< $(B)/libhandfast.a -pthread
-include $(SOAK_BIN:=.d)
everything: $(SOAK_BIN)
$(DIFF_OBJ): CFLAGS += -Itests -D_GNU_SOURCE
$(B)/diff: $(DIFF_OBJ) $(B)/layers.a
	$(CC) $(LDFLAGS) -o $@ $^
$(SCRIPT_BIN): $(wildcard tests/script/*.[ch]) tests/tap.h tests/testenv.h $(B)/libhandfast.a
	@mkdir -p $(@D)
	$(CC) $(WARN) $(FLAGS_$(V)) $(LDFLAGS) -Iinclude -Itests -o $@ $(filter %.c %.a,$^)
# What runs under `handfast run` is an ordinary program in every build.
$(PLAIN_BIN): $(B)/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -g -MMD -MP -Itests -o $@ $< -pthread
$(addprefix $(B)/bench/,client server): $(B)/%: %.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -g -MMD -MP -o $@ $<
$(PATH_BIN): $(B)/%: %.c $(B)/libhandfast.a
	@mkdir -p $(@D)
	$(CC) $(WARN) $(FLAGS_$(V)) $(LDFLAGS) -MMD -MP -Iinclude -o $@ $< $(B)/libhandfast.a -pthread
$(B)/bench/core: $(wildcard bench/*.h bench/core/*) bench/measure.c $(B)/core.o $(B)/layers.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BENCH_INC) $(LDFLAGS) -o $@ $(filter %.c %.o %.a,$^) -pthread
$(B)/bench/kernel: bench/measure.h bench/measure.c $(wildcard bench/posix/*.[ch]) bench/posix/arrange/kernel.c
	@mkdir -p $(@D)
	$(CC) $(WARN) $(FLAGS_$(V)) $(BENCH_INC) $(LDFLAGS) -o $@ $(filter %.c,$^)
$(B)/bench/face: bench/measure.h bench/measure.c $(wildcard bench/posix/*.[ch]) bench/posix/arrange/face.c tests/posix/library.h $(B)/libhandfast.a
	@mkdir -p $(@D)
	$(CC) $(WARN) $(FLAGS_$(V)) $(BENCH_INC) $(LDFLAGS) -Iinclude -include tests/posix/library.h -o $@ $(filter %.c %.a,$^) -pthread
$(B)/bench/scenario: bench/budget/scenario.c $(B)/core.o $(B)/layers.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^
# The same programs once more, on the library.
$(LIBRARY_BIN): $(B)/tests/library/%: tests/posix/%.c tests/posix/library.h $(B)/libhandfast.a
	@mkdir -p $(@D)
	$(CC) $(WARN) $(FLAGS_$(V)) $(LDFLAGS) -MMD -MP -Iinclude -Itests -include tests/posix/library.h -o $@ $< \
	    $(B)/libhandfast.a -pthread
# lwIP, fetched by the bench: -w, for its source is not ours. Once as it does best, once with its own defaults.
LWIP := build/lwip
$(B)/bench/lwip: LWIP_FLAGS :=
$(B)/bench/lwip-defaults: LWIP_FLAGS := -DLWIP_DEFAULTS
$(B)/bench/lwip $(B)/bench/lwip-defaults: $(LWIP)/src/src/include/lwip/opt.h bench/measure.h bench/measure.c \
        $(wildcard bench/lwip/*.[ch] bench/lwip/port/*.h bench/lwip/port/arch/*.h)
	@mkdir -p $@.o
	cd $@.o && $(CC) -w -O2 -g -c $(LWIP_FLAGS) $(addprefix -I$(CURDIR)/,bench/lwip/port $(LWIP)/src/src/include) \
	    $(addprefix $(CURDIR)/$(LWIP)/src/src/,core/*.c core/ipv4/*.c core/ipv6/*.c)
	$(CC) $(WARN) -O2 -g $(LWIP_FLAGS) $(BENCH_INC) -Ibench/lwip/port -isystem $(LWIP)/src/src/include -o $@ \
	    $(filter %.c,$^) $@.o/*.o
$(addprefix $(B)/tests/programs/,hostile scarce storm interfaces): $(B)/tests/programs/%: tests/programs/src/%.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -g -MMD -MP -Itests -o $@ $< -pthread
$(B)/tests/programs/narrow.so: tests/programs/src/narrow.c
	@mkdir -p $(@D)
	$(CC) $(WARN) -O2 -shared -fPIC -o $@ $<
$(B)/tests/programs/%-musl: tests/programs/src/%.c
	@mkdir -p $(@D)
	musl-gcc $(WARN) -O2 -static -o $@ $<
$(B)/tests/programs/%-go: tests/programs/src/%.go
	@mkdir -p $(@D)
	CGO_ENABLED=0 GO111MODULE=off GOFLAGS= GOCACHE=$(abspath build/gocache) go build -o $@ $<

$(FUZZ_BIN): $(B)/fuzz/%: fuzz/%.c $(B)/command.a $(B)/layers.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(B)/command.a $(B)/layers.a

everything: all packetdrill-plugin $(UNIT_BIN) $(SCRIPT_BIN) $(SCRIPT_KERNEL) $(SIM_BIN) $(PLAIN_BIN) $(LIBRARY_BIN) $(PROGRAMS) $(BENCH_BIN) $(PATH_BIN) $(B)/diff
unit: $(UNIT_BIN) $(SCRIPT_BIN)
	prove $(J) -e '' $(filter %$(T),$(UNIT_BIN) $(SCRIPT_BIN))
$(SCRIPT_KERNEL): $(filter-out %/stack.c,$(wildcard tests/script/*.[ch])) $(wildcard tests/script/kernel/*.[ch]) tests/tap.h
	@mkdir -p $(@D)
	$(CC) $(WARN) $(FLAGS_$(V)) $(LDFLAGS) -Iinclude -Itests -o $@ $(filter %.c,$^)
# Timelines: one page, or all.
script: $(SCRIPT_BIN)
	$< $(wildcard $(addprefix tests/script/,$(T)*.script))
# The kernel beside them: what differs, and should or should not, tests/script/README.md tells.
script-kernel: $(SCRIPT_KERNEL)
	unshare -n $< $(wildcard $(addprefix tests/script/,$(T)*.script))
# Tables of what TCP does on simulated paths, beside those checked in; make sim-accept takes new ones.
sim: $(SIM_BIN)
	set -e; for t in $^; do $$t check $${t#$(B)/}.expected; done
sim-accept: $(SIM_BIN)
	for t in $^; do $$t >$${t#$(B)/}.expected; done
test: all unit
programs: $(B)/handfast $(PROGRAMS)
	HANDFAST=$(B)/handfast HF_PROGRAMS=$(B)/tests/programs prove -v --timer -e '' tests/programs/*$(T).t
platform: $(filter $(B)/tests/platform/%,$(PLAIN_BIN))
	$(if $^,prove -e '' $^)
# Random socket calls on the kernel and on the core, the same seeds each time. More: $(B)/diff FIRST COUNT.
diff: $(B)/diff
	prove --timer -e '' $(B)/diff :: check 1 1500 $(wildcard tests/diff/seeds/*)
# Connects, cancelled, interrupted, closed and dissolved at any moment: what is left, what hangs. Others: SOAK='N SEED'.
SOAK = 1000000
.PHONY: soak
soak: $(SOAK_BIN)
	prove --timer -e '' $(SOAK_BIN) :: $(SOAK)
interop: $(B)/handfast
	HANDFAST=$(B)/handfast prove --timer -e '' tests/interop/*.t
# A plug-in for Google's packetdrill, and its scripts run with it: SCRIPTS a folder or a script.
packetdrill-plugin: $(B)/libhandfast-packetdrill.so
packetdrill: packetdrill-plugin
	unshare -n tools/packetdrill.py --plugin $(B)/libhandfast-packetdrill.so '$(PACKETDRILL)' '$(SCRIPTS)'
# CPython's and Go's own tests, beside the kernel; T=python/test_ssl picks.
realworld:
	tools/deps.sh realworld
	$(MAKE) $(J) all
	HANDFAST=$(B)/handfast HF_OUT=build/realworld tests/realworld/run $(if $(T),'$(T)')
conformance: $(B)/handfast $(PLAIN_BIN) $(LIBRARY_BIN)
	POSIX_BIN=$(B)/tests/posix tests/posix/run kernel
	POSIX_BIN=$(B)/tests/posix tests/posix/run handfast $(B)/handfast
	POSIX_BIN=$(B)/tests/library tests/posix/run library
checkers: all man
	tools/check_format
	tools/check_layers.py
	tools/check_core.sh $(B)
	tools/check_example.sh $(B)
	tools/check_names.py
	tools/check_man.sh $(B)
	tools/clauses.py --check
check:
	tools/deps.sh check
	$(MAKE) $(J) everything
	$(MAKE) checkers unit sim budget
	$(MAKE) $(J) CC=clang B=build/clang everything
	$(MAKE) $(J) V=asan everything
	$(MAKE) V=asan unit
	$(MAKE) soak SOAK=100000
	$(MAKE) V=asan soak SOAK=20000
	$(MAKE) fuzz-replay
	$(MAKE) platform conformance diff programs interop
check-full: check
	$(MAKE) $(J) V=tsan everything
	$(MAKE) V=tsan unit
	$(MAKE) V=tsan soak SOAK=20000
	$(MAKE) soak
	$(MAKE) V=asan conformance programs interop
demo:
	tools/deps.sh demo
	$(MAKE) $(J) all
	HANDFAST=$(B)/handfast tools/demo.sh
# Figures: bench/figures and bench/run tell what is measured and how they are told what to do.
bench: bench-build bench-lwip
	$(BENCH_ENV) bench/figures all
.PHONY: bench-publish
bench-publish: bench-build bench-lwip
	$(BENCH_ENV) bench/figures publish
bench-quick: bench-build bench-lwip
	@$(BENCH_ENV) bench/figures quick
bench-run: bench-build
	$(BENCH_ENV) bench/run
bench-build:
	tools/deps.sh bench
	$(MAKE) $(J) all $(BENCH_BIN) $(PATH_BIN)
bench-lwip: # the bench does without it where its source cannot be had
	bench/lwip/get $(LWIP) && $(MAKE) $(B)/bench/lwip $(B)/bench/lwip-defaults || true
# Instructions that three scenarios take, beside what they may: of gcc's release build.
.PHONY: budget
budget: $(B)/bench/scenario
	bench/budget/run $<
# Our TCP and the kernel's over one impaired wire: bench/path/run tells the rest.
bench-path:
	tools/deps.sh bench
	$(MAKE) $(J) $(PATH_BIN)
	BENCH_PATH=$(B)/bench/path bench/path/run
# A stack of ours on a TAP device beside the kernel's TCP over veth.
bench-tap:
	tools/deps.sh bench
	$(MAKE) $(J) $(PATH_BIN)
	BENCH_PATH=$(B)/bench/path bench/path/tap
# Each fuzz/*.c is one libFuzzer target; its corpus is fuzz/corpus/NAME, replayed by `make check`.
fuzz:
	$(MAKE) $(J) V=fuzz CC=clang fuzzers
	$(MAKE) V=fuzz CC=clang FUZZ='-max_total_time=$(FUZZ_S)' fuzz-run
fuzz-replay:
	$(MAKE) $(J) V=fuzz CC=clang fuzzers
	$(MAKE) V=fuzz CC=clang FUZZ=-runs=0 fuzz-run
fuzzers: $(FUZZ_BIN)
fuzz-run: $(FUZZ_BIN)
	set -e; for f in $^; do n=$${f##*/}; mkdir -p fuzz/corpus/$$n $(B)/corpus/$$n; \
	    $$f $(FUZZ) -timeout=5 -verbosity=0 -artifact_prefix=fuzz/corpus/$$n/ $(B)/corpus/$$n fuzz/corpus/$$n; done
# The manual is Markdown, made into man pages by lowdown; the page of deviations is docs/deviations.md itself.
MAN := $(addprefix $(B)/man/,handfast.1 libhandfast.3 hf_connect.3 handfast-deviations.7)
LOWDOWN = lowdown -s -Tman -M source='Handfast $(VERSION)'
man: $(MAN)
$(B)/man/%: docs/man/%.md
	@mkdir -p $(@D)
	$(LOWDOWN) -o $@ $<
$(B)/man/handfast-deviations.7: docs/deviations.md
	@mkdir -p $(@D)
	$(LOWDOWN) --parse-no-intraemph -M title=handfast-deviations -M section=7 -o $@ $<
fmt:
	tools/check_format --fix
clauses:
	tools/clauses.py
install: all $(if $(shell command -v lowdown),man)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin include/handfast lib/pkgconfig share/man/man1 share/man/man3 share/man/man7)
	for page in $(if $(shell command -v lowdown),$(MAN)); do \
	    install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}; done
	install -m 755 $(B)/handfast $(DESTDIR)$(PREFIX)/bin
	install -m 644 include/handfast/*.h $(DESTDIR)$(PREFIX)/include/handfast
	install -m 644 $(B)/libhandfast.a $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(B)/$(SONAME) $(DESTDIR)$(PREFIX)/lib/libhandfast.so.$(VERSION)
	ln -sf libhandfast.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libhandfast.so
	sed 's|@PREFIX@|$(PREFIX)|;s|@VERSION@|$(VERSION)|' tools/handfast.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/handfast.pc
clean:
	rm -rf build
.PHONY: all everything packetdrill packetdrill-plugin unit script script-kernel sim sim-accept test platform programs realworld interop diff conformance checkers check check-full man demo bench \
        bench-quick bench-run bench-path bench-tap bench-build bench-lwip fuzz fuzz-replay fuzzers fuzz-run fmt clauses install clean
-include $(CORE_OBJ:.o=.d) $(LTO_OBJ:.o=.d) $(DRILL_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d) $(DIFF_OBJ:.o=.d) $(UNIT_BIN:=.d) $(SIM_BIN:=.d) $(PLAIN_BIN:=.d) $(LIBRARY_BIN:=.d) $(BENCH_BIN:=.d) $(PATH_BIN:=.d) $(FUZZ_BIN:=.d)
