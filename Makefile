# Build and test Handfast. V=release|debug|asan|tsan|cov picks a build; each has its own directory.
V ?= release
CC ?= gcc
PREFIX ?= /usr/local
VERSION := 0.1.0
SONAME := libhandfast.so.0
B := build/$(V)

WARN := -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wcast-qual -Wvla -Wno-unused-parameter
FLAGS_release := -O2 -g
FLAGS_debug := -O0 -g3
FLAGS_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_tsan := -O1 -g -fsanitize=thread
FLAGS_cov := -O0 -g --coverage
CFLAGS += $(WARN) $(FLAGS_$(V)) -Iinclude -Isrc -fPIC -fvisibility=hidden -MMD -MP -DHF_VERSION='"$(VERSION)"'
LDFLAGS += $(filter -fsanitize=% --coverage,$(FLAGS_$(V)))

CORE_SRC := $(sort $(shell find src/base src/wire src/net src/transport src/socket src/stack -name '*.c'))
LIB_SRC := $(sort $(shell find src/host src/links -name '*.c'))
CMD_SRC := $(sort $(shell find src/gateway src/run src/cli -name '*.c'))
UNIT_SRC := $(sort $(shell find tests/unit tests/script -name '*.c' 2>/dev/null))
CORE_OBJ := $(CORE_SRC:%.c=$(B)/%.o)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
CMD_OBJ := $(CMD_SRC:%.c=$(B)/%.o)
UNIT_BIN := $(UNIT_SRC:%.c=$(B)/%)

all: $(B)/libhandfast.a $(B)/handfast
$(CORE_OBJ): CFLAGS += -ffreestanding
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<
$(B)/libhandfast.a: $(CORE_OBJ) $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$(B)/handfast: $(CMD_OBJ) $(B)/libhandfast.a
	$(CC) $(LDFLAGS) -o $@ $^ -lseccomp
$(B)/tests/%: tests/%.c $(B)/libhandfast.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -Itests -o $@ $< $(B)/libhandfast.a
unit: $(UNIT_BIN)
	prove -e '' $(UNIT_BIN)
clean:
	rm -rf build
.PHONY: all unit clean
-include $(CORE_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d) $(UNIT_BIN:=.d)
