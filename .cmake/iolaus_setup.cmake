# Compiler settings, dependencies and CUDA, and iolaus_objects(), which makes a folder a library.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(dnnl REQUIRED)
find_path(YAML_INCLUDE_DIR yaml.h REQUIRED)
find_library(YAML_LIBRARY yaml REQUIRED)

add_library(iolaus_flags INTERFACE)
target_include_directories(iolaus_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(
  iolaus_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow -Wpedantic -Wno-psabi
            # GCC 12 sees an overlap in "literal" + std::string that cannot be (bug 105651).
            $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>>)
if(IOLAUS_WERROR)
  target_compile_options(iolaus_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(IOLAUS_SANITIZE)
  # -O1 keeps stacks readable and the run bearable. GCC 12 sees uninitialised members of std::regex
  # in instrumented code, which are not.
  add_compile_options(-fsanitize=${IOLAUS_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${IOLAUS_SANITIZE})
endif()
if(IOLAUS_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "IOLAUS_FUZZ needs clang: use `cmake --preset fuzz`.")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# CUDA: found by itself, also outside PATH; the program it yields also runs where no driver is.
set(IOLAUS_WITH_CUDA OFF)
set(IOLAUS_CUDA_SIM OFF)
if(IOLAUS_CUDA STREQUAL "SIM")
  # The CUDA code for the simulated device (core/cuda/sim): the toolkit's headers, nothing else of it.
  find_path(IOLAUS_CUDA_INCLUDE_DIR cuda_runtime_api.h
            HINTS $ENV{CUDA_HOME}/include $ENV{CUDA_PATH}/include
            PATHS /usr/local/cuda/include /opt/cuda/include REQUIRED)
  find_package(boost_context REQUIRED)
  set(IOLAUS_WITH_CUDA ON)
  set(IOLAUS_CUDA_SIM ON)
  target_compile_definitions(iolaus_flags INTERFACE IOLAUS_WITH_CUDA=1 IOLAUS_CUDA_SIM=1)
  target_include_directories(iolaus_flags SYSTEM INTERFACE ${IOLAUS_CUDA_INCLUDE_DIR})
  add_compile_options(-g1)  # diagnoses name lines from the line table
elseif(NOT IOLAUS_CUDA STREQUAL "OFF")
  find_program(IOLAUS_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin
               PATHS /usr/local/cuda/bin /opt/cuda/bin)
  if(IOLAUS_NVCC)
    set(CMAKE_CUDA_COMPILER ${IOLAUS_NVCC})
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 80-real 90a-real)
    endif()
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
    enable_language(CUDA)
    # Not before enable_language, whose test programs would inherit it. CMake 3.25 knows nvcc's
    # dialects up to C++17 only, so it is told the flag of the next.
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    find_package(CUDAToolkit REQUIRED)
    set(IOLAUS_WITH_CUDA ON)
    # fmt 9 takes nvcc for a compiler without constexpr, and then contradicts itself.
    target_compile_definitions(
      iolaus_flags INTERFACE IOLAUS_WITH_CUDA=1 $<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1>)
    # 186: "x < 0" in an operation that is also compiled for unsigned types.
    target_compile_options(
      iolaus_flags
      INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -lineinfo -diag-suppress=186
                -Wno-deprecated-gpu-targets -Xcompiler=-Wall,-Wextra>)
    if(IOLAUS_WERROR)
      target_compile_options(iolaus_flags
                             INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:--Werror=all-warnings>)
    endif()
  elseif(IOLAUS_CUDA STREQUAL "ON")
    message(FATAL_ERROR "IOLAUS_CUDA=ON, but nvcc was not found. Install the CUDA toolkit, "
                        "set CUDA_HOME, or configure with -DIOLAUS_CUDA=OFF.")
  endif()
endif()
# cuDNN is loaded by the program when first needed; to compile its variants, headers are enough: the
# toolkit's cudnn.h and cudnn-frontend (`.cmake/install_dependencies.sh cuda` fetches the latter).
set(IOLAUS_WITH_CUDNN OFF)
if(IOLAUS_WITH_CUDA AND NOT IOLAUS_CUDA_SIM)
  set(IOLAUS_CUDNN_FRONTEND_DIR "" CACHE PATH "The include folder of cudnn-frontend")
  find_path(IOLAUS_CUDNN_FRONTEND_INCLUDE_DIR cudnn_frontend.h
            HINTS ${IOLAUS_CUDNN_FRONTEND_DIR}
            PATHS ${PROJECT_SOURCE_DIR}/build/_deps/cudnn_frontend/include)
  find_path(IOLAUS_CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS}
            PATHS /usr/local/cuda/include)
  if(IOLAUS_CUDNN_FRONTEND_INCLUDE_DIR AND IOLAUS_CUDNN_INCLUDE_DIR)
    set(IOLAUS_WITH_CUDNN ON)
    target_include_directories(iolaus_flags SYSTEM INTERFACE ${IOLAUS_CUDNN_INCLUDE_DIR}
                                                             ${IOLAUS_CUDNN_FRONTEND_INCLUDE_DIR})
  else()
    message(STATUS "Iolaus: without cuDNN variants, for lack of cudnn.h or cudnn_frontend.h "
                   "(.cmake/install_dependencies.sh cuda, or IOLAUS_CUDNN_FRONTEND_DIR)")
  endif()
endif()
message(STATUS "Iolaus: CUDA ${IOLAUS_CUDA}, sanitizers '${IOLAUS_SANITIZE}'")

# iolaus_objects(NAME): every .cpp (and, with CUDA, every .cu and cuda/*.cpp) below this folder.
# Files whose name or folder says cuda need the toolkit and are left out without it.
function(iolaus_objects name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.cpp)
  file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} *.cu)
  if(IOLAUS_WITH_CUDA)
    list(APPEND sources ${cuda_sources})
    if(NOT IOLAUS_WITH_CUDNN)
      list(FILTER sources EXCLUDE REGEX "(^|/)cudnn(\\.cpp|/)")
    endif()
    list(FILTER sources EXCLUDE REGEX "(^|/)cuda/sim/checked/")  # linked by the tests that check
    if(IOLAUS_CUDA_SIM)
      set_source_files_properties(${cuda_sources} PROPERTIES
        LANGUAGE CXX COMPILE_OPTIONS "-xc++;-Wno-unknown-pragmas;-Wno-shadow")
    else()
      list(FILTER sources EXCLUDE REGEX "(^|/)cuda/sim/")
    endif()
  else()
    list(FILTER sources EXCLUDE REGEX "(^|/)(cuda/.*|cublas[a-z]*|cusolver|cudnn)(\\.cpp|/)")
    list(FILTER sources EXCLUDE REGEX "(^|/)cuda/")
  endif()
  add_library(iolaus_${name} OBJECT ${sources})
  target_link_libraries(
    iolaus_${name} PUBLIC iolaus_flags fmt::fmt Threads::Threads nlohmann_json::nlohmann_json)
endfunction()
