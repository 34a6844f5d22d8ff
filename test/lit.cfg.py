# lit configuration: where the tools are and what this machine has.

import os
import shutil

import lit.formats
from lit.llvm import llvm_config

config.name = "loco"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".loco", ".test", ".c", ".cpp", ".py"]
config.excludes = ["Inputs", "lit.cfg.py", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.loco_binary_dir, "test")

llvm_config.use_default_substitutions()
tools_dir = os.path.join(config.loco_binary_dir, "bin")
llvm_config.with_environment("PATH", [tools_dir, config.llvm_tools_dir], append_path=True)

# Never the user's own object cache; and with the build folder its entries go, too.
config.environment["LOCO_CACHE_DIR"] = os.path.join(config.test_exec_root, "object-cache")

# Debian's python, which has the packages that setup.sh installs; it comes before the
# python that runs lit.
config.substitutions.insert(0, ("%python", "/usr/bin/python3"))
config.substitutions.append(("%loco_source", config.loco_source_dir))
config.substitutions.append(("%examples", os.path.join(config.loco_source_dir, "examples")))

config.substitutions.append(("%loco_libraries", os.path.join(config.loco_binary_dir, "lib")))

if os.path.exists(os.path.join(config.loco_binary_dir, "lib", "libLocoHdf5.so")):
    config.available_features.add("hdf5")
with open("/proc/cpuinfo") as file:
    if "amx_bf16" in file.read():
        config.available_features.add("amx")
if shutil.which("ptxas"):
    config.available_features.add("ptxas")
# Freed memory is kept, allocators cannot be replaced, and programs must be linked in the same way.
with open(os.path.join(config.loco_binary_dir, "CMakeCache.txt")) as file:
    if any(line.startswith("CMAKE_C_FLAGS:") and "-fsanitize=address" in line for line in file):
        config.available_features.add("address-sanitizer")
# The CUDA toolkit, whose headers and libraries our lists of functions are held to.
toolkit = os.path.dirname(os.path.dirname(os.path.realpath(shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc")))
if os.path.exists(os.path.join(toolkit, "include", "cuda.h")):
    config.available_features.add("cuda-toolkit")
    config.substitutions.append(("%cuda_toolkit", toolkit))
if os.path.exists("/dev/nvidia0"):
    config.available_features.add("cuda-device")
