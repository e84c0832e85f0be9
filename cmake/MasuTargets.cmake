# The kinds of targets masu is made of. Used by the root CMakeLists.txt and by directories that have their own.
include(GoogleTest)
find_package(GTest QUIET)

# The static library is made with GNU binutils, whichever compiler and linker make the rest.
find_program(MASU_LD NAMES ld.bfd REQUIRED)
find_program(MASU_OBJCOPY NAMES objcopy REQUIRED)

# Inside malloc the compiler must not know what malloc does, and nothing may need libstdc++ or an unwinder.
set(MASU_HEAP_FLAGS
  -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -fno-exceptions -fno-rtti -fno-threadsafe-statics
  -fno-plt -fno-semantic-interposition -ftls-model=initial-exec
  -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free -fno-builtin-memalign
  -fno-builtin-aligned_alloc -fno-builtin-posix_memalign
  $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)

# masu_glob(OUT DIR...): the library sources in and below some directories, without the tests and programs
# beside them.
function(masu_glob out)
  set(found)
  foreach(dir ${ARGN})
    file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.cc)
    list(APPEND found ${files})
  endforeach()
  list(FILTER found EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# masu_core_library(NAME SOURCE...): the heap as a value, for programs that keep the system's malloc.
function(masu_core_library name)
  if(ARGN)
    add_library(${name} STATIC ${ARGN})
    target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti)
  else()
    add_library(${name} INTERFACE)
  endif()
endfunction()

# masu_lane_library(NAME SOURCE...): a preloadable lib<NAME>.so that needs libc and nothing else.
# Objects are compiled per lane, since lanes differ in flags. -nodefaultlibs: g++ 12 knows no -nostdlib++.
function(masu_lane_library name)
  if(NOT ARGN)
    message(STATUS "lib${name}.so: no sources yet")
    return()
  endif()
  add_library(${name}_objects OBJECT ${ARGN})
  target_compile_options(${name}_objects PRIVATE ${MASU_HEAP_FLAGS})
  add_library(${name} SHARED $<TARGET_OBJECTS:${name}_objects>)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_link_options(${name} PRIVATE -nodefaultlibs
    LINKER:-z,initfirst LINKER:-z,now LINKER:-z,relro LINKER:--no-undefined LINKER:-Bsymbolic-functions LINKER:--as-needed)
  target_link_libraries(${name} PRIVATE gcc c)
  set(map ${CMAKE_SOURCE_DIR}/debug/${name}.map)
  if(NOT EXISTS ${map})
    set(map ${CMAKE_SOURCE_DIR}/src/api/masu.map)
  endif()
  if(EXISTS ${map})
    target_link_options(${name} PRIVATE LINKER:--version-script=${map})
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${map})
  endif()
endfunction()

# masu_static_library(NAME): lib<NAME>.a from the objects of a lane library, as one object: whoever needs one
# of its symbols gets all of malloc, and its internal names cannot meet those of the program.
function(masu_static_library name)
  if(NOT TARGET ${name}_objects)
    return()
  endif()
  set(object ${CMAKE_BINARY_DIR}/${name}.o)
  set(archive ${CMAKE_BINARY_DIR}/lib${name}.a)
  add_custom_command(OUTPUT ${archive}
    COMMAND ${MASU_LD} -r --force-group-allocation -o ${object} $<TARGET_OBJECTS:${name}_objects>
    COMMAND ${MASU_OBJCOPY} --localize-hidden ${object}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} rcs ${archive} ${object}
    DEPENDS ${name}_objects $<TARGET_OBJECTS:${name}_objects>
    COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(${name}_static ALL DEPENDS ${archive})
endfunction()

# masu_test(FILE [LINK LIB...] [OPTIONS FLAG...] [TIMEOUT SECONDS] [SERIAL]): one GoogleTest program, named by the
# stem of FILE, its tests registered as <preset>/<Suite>.<Name>. It links masu_core; a *_preload_test.cc links
# libmasu.so instead and so really runs on it (only where the libraries are built).
function(masu_test file)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "LINK;OPTIONS" ${ARGN})
  if(NOT MASU_TESTS OR (NOT MASU_UNIT_TESTS AND NOT file MATCHES "_preload_test\\.cc$"))
    return()
  endif()
  # ThreadSanitizer does not follow what these do: the weak model's and the explorer's fibres share their bookkeeping on
  # purpose without synchronization (fuzz/ judges their order itself), and the symbolizer is started by clone(CLONE_VM).
  if(MASU_PRESET STREQUAL "tsan" AND file MATCHES "(weak_atomic|session|xfer|source_lines|run_symbolizer)_test\\.cc$")
    return()
  endif()
  if(NOT GTest_FOUND)
    message(FATAL_ERROR "tests need GoogleTest: run ./masu build, or apt-get install libgtest-dev libgmock-dev")
  endif()
  get_filename_component(file ${file} ABSOLUTE)
  get_filename_component(name ${file} NAME_WE)
  if(TARGET ${name})
    get_filename_component(dir ${file} DIRECTORY)
    get_filename_component(dir ${dir} NAME)
    set(name ${dir}_${name})
  endif()
  set(libraries masu_core)
  if(name MATCHES "_preload_test$")
    if(NOT TARGET masu)
      return()
    endif()
    set(libraries masu)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${file})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_options(${name} PRIVATE ${arg_OPTIONS})
  target_link_libraries(${name} PRIVATE ${libraries} ${arg_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} TEST_PREFIX ${MASU_PRESET}/ DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${arg_TIMEOUT} RUN_SERIAL ${arg_SERIAL})
endfunction()

# masu_tests(DIR [args of masu_test]): every *_test.cc in and below one directory.
function(masu_tests dir)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*_test.cc)
  foreach(file ${files})
    masu_test(${file} ${ARGN})
  endforeach()
endfunction()

# masu_bench(FILE [LINK LIB...]): one benchmark program in build/<preset>/bench/.
function(masu_bench file)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  get_filename_component(name ${file} NAME_WE)
  add_executable(${name} ${file})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_link_libraries(${name} PRIVATE ${arg_LINK})
endfunction()

# masu_directory(DIR): DIR's own CMakeLists.txt where it has one, else masu_default_DIR where there
# is that. The glob makes a later CMakeLists.txt be noticed.
function(masu_directory dir)
  file(GLOB own CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/CMakeLists.txt)
  get_filename_component(name ${dir} NAME)
  if(own)
    add_subdirectory(${CMAKE_SOURCE_DIR}/${dir} ${CMAKE_BINARY_DIR}/${dir})
  elseif(COMMAND masu_default_${name})
    cmake_language(CALL masu_default_${name})
  endif()
endfunction()

# The sources beside the fuzz targets are a library for their tests.
function(masu_default_fuzz)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/*.cc)
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(MASU_TESTS AND sources)
    add_library(masu_fuzz_parts STATIC ${sources})
    target_link_libraries(masu_fuzz_parts PUBLIC masu_core boost_context)
    masu_tests(fuzz LINK masu_fuzz_parts)
  endif()
endfunction()
