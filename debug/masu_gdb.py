"""gdb: what masu's debug lane knows of a pointer, in a live process or from a core.

    (gdb) source debug/masu_gdb.py
    (gdb) masu POINTER        the block around it, who allocated and freed it, its owner, its neighbours, its bytes, and
                              what the lane last did with it
    (gdb) masu-events         each thread's last boundary events and frees
    (gdb) masu-threads        threads by the numbers that reports use
Needs the library's symbols (it is built with -g) and reads memory only: nothing of the process is called.
"""
import gdb

STATES = ["never used", "live", "being freed", "freed, in quarantine", "freed, may have been reused"]
FAMILIES = ["malloc", "operator new", "operator new[]"]
LEASES = ["an orphan", "collected by thread", "a private heap", "leased by thread"]
PAGE = 4096
SEGMENT = 512 * PAGE
CUT = 1 << 31  # of a stack's id: the innermost frames only


def value(expression):
    return gdb.parse_and_eval(expression)


def table(name):
    symbol = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    if symbol is None:
        raise gdb.GdbError(f"libmasu-debug.so has no symbol {name}: is this script of its version?")
    return symbol.value()


class Heap:
    """The lane's tables, as shadow.h, paged.h and stack_depot.h lay them out."""

    def __init__(self):
        self.heap = self.find()
        self.record = gdb.lookup_type("masu::debug::Record")

    @staticmethod
    def find():
        symbol = gdb.lookup_static_symbol("masu::(anonymous namespace)::g_heap") or gdb.lookup_global_symbol("masu::(anonymous namespace)::g_heap")
        if symbol is None:
            raise gdb.GdbError("no libmasu-debug.so with symbols in this process")
        return symbol.value()

    def cell(self, pointer):
        return self.paged_cell(pointer) or self.arena_cell(pointer)

    def paged_cell(self, pointer):
        paged = self.heap["paged_"]
        offset = pointer - int(paged["base_"])
        if not 0 <= offset < int(paged["bytes_"]):
            return None
        number = int(self.load32(int(paged["slot_of_page_"]) + offset // PAGE * 4))
        if number == 0:
            return None
        slot = paged["slots_"][number]
        begin = int(slot["data"])
        return slot["record"], begin, begin + int(slot["pages"]) * PAGE, int(slot["user"])

    def arena_cell(self, pointer):
        shadow = self.heap["shadow_"]
        base = int(shadow["base_"])
        if not 0 <= pointer - base < int(shadow["bytes_"]):
            return None
        tables = table("masu::debug::Shadow::kLayout")
        sizes = table("masu::SizeClasses<128ul>::kTables")
        pages_map = shadow["map_"].dereference()
        page = (pointer - base) // PAGE
        header = self.load64(int(shadow["segments_"]) + (pointer - base) // SEGMENT * 8)
        if header == 0:
            return None
        tag = self.tag(pages_map, page)
        if tag >> 6 == 0:
            page -= self.load8(header + page % (SEGMENT // PAGE))
            tag = self.tag(pages_map, page)
            if tag >> 6 == 0:
                return None
        cls = tag & 63
        page -= int(pages_map["slabs_"][page]["back"])
        size = int(sizes["size"][cls])
        begin = base + page * PAGE + (pointer - base - page * PAGE) // size * size
        inside = (begin - base) % SEGMENT
        number = int(tables["first"][cls]) + (inside >> int(tables["shift"][cls]))
        record = gdb.Value(header + number * self.record.sizeof).cast(self.record.pointer()).dereference()
        align = 1 << max(4, int(record["align_log2"]))
        return record, begin, begin + size, (begin + 16 + align - 1) // align * align

    def end_of(self, cell):
        """(state, thread and stack of its free): by the record, or by the quarantine where that is ahead."""
        record, begin = cell[:2]
        state = int(record["state"]["_M_i"])
        if state < 3:
            for entry in self.quarantined():
                if int(entry["begin"]) == begin:
                    return 3, int(entry["thread"]), int(entry["stack"])
        return state, int(record["free_thread"]), int(record["free_stack"])

    def quarantined(self):
        """The entries of all chunks: handed over, or still filled by a thread."""
        chunk = self.heap["quarantine_"]["head_"]
        chunks = [state["chunk"]["_M_b"]["_M_p"] for state in self.threads()]
        while int(chunk) != 0:
            chunks.append(chunk)
            chunk = chunk["next"]
        for chunk in filter(int, chunks):
            for i in range(int(chunk["count"]["_M_i"])):
                yield chunk["entry"][i]

    def owner(self, pointer):
        """The owner of the slab around a pointer, and who works with it."""
        shadow = self.heap["shadow_"]
        pages_map = shadow["map_"].dereference()
        page = (pointer - int(shadow["base_"])) // PAGE
        number = self.tag(pages_map, page - int(pages_map["slabs_"][page]["back"])) >> 6
        if number == 0:
            return "none"
        if number == (1 << 26) - 2:
            return "nobody: its owner gave it up, who frees a block of it takes it over"
        lease = int(self.heap["inner_"]["core_"]["owners"][number - 1]["lease_"]["_M_i"])
        return f"{number}, {LEASES[lease & 3]}" + (f" {lease >> 2:#x}" if lease & 1 else "")

    def threads(self):
        state = self.heap["threads_"]["all_"]["_M_b"]["_M_p"]
        while int(state) != 0:
            yield state
            state = state["next"]

    @staticmethod
    def events(state):
        """(name, owner, what) of a thread's ring, oldest first."""
        ring, count = state["events"]["ring_"], int(state["events"]["count_"])
        names = table("masu::kEventNames")
        size = ring.type.sizeof // ring[0].type.sizeof
        for i in range(max(0, count - size), count):
            entry = ring[i % size]
            kind = int(entry["event"])
            yield names[kind].string() if kind < names.type.range()[1] + 1 else "free", int(entry["owner"]), int(entry["what"])

    def tag(self, pages_map, page):
        return self.load32(int(pages_map["tags_"]) + page * 4)

    @staticmethod
    def load(address, size):
        return int.from_bytes(gdb.selected_inferior().read_memory(address, size).tobytes(), "little")

    def load8(self, address):
        return self.load(address, 1)

    def load32(self, address):
        return self.load(address, 4)

    def load64(self, address):
        return self.load(address, 8)

    def stack(self, number):
        """The frames of a stack id: {next, hash and count, frames}."""
        memory = int(self.heap["depot_"]["memory_"]["_M_b"]["_M_p"])
        number &= ~CUT
        if number == 0 or memory == 0:
            return []
        at = memory + number * 8
        return [self.load64(at + 16 + 8 * i) for i in range(self.load64(at + 8) & 255)]


def describe(heap, cell):
    record, begin, end, user = cell
    state = heap.end_of(cell)[0]
    size = int(record["size_and_heap"]) & ((1 << 48) - 1)
    serial = int(record["serial"])
    family = FAMILIES[int(record["family"]) & 3]
    return (f"{size}-byte region [{user:#x},{user + size:#x}) {STATES[state]}, from {family}, serial {serial} "
            f"(T{serial >> 40}), cell [{begin:#x},{end:#x})")


def describe_event(name, owner, what):
    return name + (f" owner {owner}" if owner else "") + f" {what:#x}"


def print_stack(heap, title, number):
    print(title)
    for i, site in enumerate(heap.stack(number)):
        block = gdb.block_for_pc(site)
        while block and not block.function:
            block = block.superblock
        where = gdb.find_pc_line(site)
        line = f" {where.symtab.filename}:{where.line}" if where.symtab else ""
        print(f"    #{i} {site:#x} in {block.function if block else '??'}{line}")


class Masu(gdb.Command):
    """masu POINTER: the block around a pointer, its history and its neighbours."""

    def __init__(self):
        super().__init__("masu", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("usage: masu POINTER")
        pointer = int(value(argument).cast(gdb.lookup_type("unsigned long")))
        heap = Heap()
        cell = heap.cell(pointer)
        if cell is None:
            print(f"{pointer:#x} is in no block of the heap")
            return
        record, begin, end, user = cell
        print(f"{pointer:#x} is {pointer - user} bytes into a {describe(heap, cell)}")
        print_stack(heap, "allocated:", int(record["alloc_stack"]))
        state, thread, stack = heap.end_of(cell)
        if state >= 3:
            print_stack(heap, f"freed by T{thread}:", stack)
        paged = heap.paged_cell(pointer) is not None
        print("owner: " + ("on pages of its own" if paged else heap.owner(pointer)))
        for name, near in (("before", begin - 1), ("behind", end)):
            other = heap.cell(near)
            if other:
                print(f"block {name}: {describe(heap, other)}")
        for state_of_thread in heap.threads():
            for event in heap.events(state_of_thread):
                if begin <= event[2] < end:
                    print(f"T{int(state_of_thread['id'])} last did: {describe_event(*event)}")
        if not (state >= 3 and paged):
            gdb.execute(f"x/16xb {max(begin, pointer - 8):#x}")


class MasuThreads(gdb.Command):
    """masu-threads: the threads that allocated, by the numbers that reports use."""

    def __init__(self):
        super().__init__("masu-threads", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        for state in Heap().threads():
            if bool(state["in_use"]["_M_base"]["_M_i"]):
                print(f"T{int(state['id'])} tid {int(state['tid'])}: {int(state['allocations'])} allocations")


class MasuEvents(gdb.Command):
    """masu-events: each thread's last boundary events and frees, newest last."""

    def __init__(self):
        super().__init__("masu-events", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        heap = Heap()
        for state in heap.threads():
            print(f"T{int(state['id'])}:")
            for event in heap.events(state):
                print(f"    {describe_event(*event)}")


Masu()
MasuEvents()
MasuThreads()
