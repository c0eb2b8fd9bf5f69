// An LLVM 22 pass plugin, "sbf-legalize": rewrites what the upstream BPF backend refuses into what it accepts.
//
//   in the program                          what it becomes
//   sret attribute                          dropped: a pointer argument like any other
//   u64/i64 checked_mul                     high half of the product from four 32-bit products (runtime.c)
//   u128 multiply, divide, remainder        helper calls on 64-bit halves
//   128-bit shifts and rotations by a       shifts of the halves
//     number of bits not known before
//   i64 and i128 divide, remainder          unsigned division and signs
//   more than five argument registers       the tail goes through a struct on the caller's stack
//   memcpy, memmove, memset over 64 bytes   syscalls; shorter ones of known length stay inline
//   memcmp, bcmp                            inline for equality up to 64 bytes, else a syscall
//
// Operands are made in statements of their own: C++ leaves the order of arguments open, and the bytes must not depend on it.
// Whatever it cannot rewrite ends the build with the name of the function: floating point, checked i128 multiply, exported
// functions with more than five arguments, writable globals, inline assembly. Nothing is ever let through silently.
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Plugins/PassPlugin.h"
#include "llvm/Support/raw_ostream.h"
using namespace llvm;

namespace {

constexpr uint64_t InlineBytes = 64;
constexpr unsigned ArgumentRegisters = 5;

struct Legalize : PassInfoMixin<Legalize> {
  Module *M = nullptr;
  unsigned Errors = 0;

  static bool isRequired() { return true; }

  void error(const Twine &What, const Function *F) {
    errs() << "sbf-legalize: " << What << " in " << (F ? F->getName() : "the module") << "\n";
    Errors++;
  }

  Function *helper(StringRef Name) {
    Function *F = M->getFunction(Name);
    if (!F) report_fatal_error("sbf-legalize: runtime.c lacks " + Twine(Name), false);
    return F;
  }

  Value *stackSlot(Function *F, Type *T) {
    IRBuilder<> Entry(&*F->getEntryBlock().getFirstInsertionPt());
    return Entry.CreateAlloca(T);
  }

  // ---- integers wider than a register

  std::pair<Value *, Value *> halves(IRBuilder<> &B, Value *V) {
    Type *I64 = B.getInt64Ty();
    return {B.CreateTrunc(V, I64), B.CreateTrunc(B.CreateLShr(V, 64), I64)};
  }

  Value *join(IRBuilder<> &B, Value *Low, Value *High) {
    Type *I128 = B.getInt128Ty();
    Value *Bottom = B.CreateZExt(Low, I128);
    Value *Top = B.CreateShl(B.CreateZExt(High, I128), 64);
    return B.CreateOr(Bottom, Top);
  }

  Value *multiply128(IRBuilder<> &B, Value *X, Value *Y) {
    auto [XLow, XHigh] = halves(B, X);
    auto [YLow, YHigh] = halves(B, Y);
    Value *Low = B.CreateMul(XLow, YLow);
    Value *High = B.CreateCall(helper("sbf_mulhi64"), {XLow, YLow});
    High = B.CreateAdd(High, B.CreateMul(XLow, YHigh));
    High = B.CreateAdd(High, B.CreateMul(XHigh, YLow));
    return join(B, Low, High);
  }

  Value *divide128(IRBuilder<> &B, Function *F, Value *X, Value *Y, bool Remainder) {
    auto *Out = ArrayType::get(B.getInt64Ty(), 4); // quotient low, high, remainder low, high
    Value *Slot = stackSlot(F, Out);
    auto [XLow, XHigh] = halves(B, X);
    auto [YLow, YHigh] = halves(B, Y);
    B.CreateCall(helper("sbf_udivmod128"), {Slot, XLow, XHigh, YLow, YHigh});
    auto At = [&](unsigned I) { return B.CreateLoad(B.getInt64Ty(), B.CreateConstGEP2_32(Out, Slot, 0, I)); };
    Value *Low = At(Remainder ? 2 : 0), *High = At(Remainder ? 3 : 1);
    return join(B, Low, High);
  }

  Value *signedDivide128(IRBuilder<> &B, Function *F, Value *X, Value *Y, bool Remainder) {
    Value *Zero = ConstantInt::get(X->getType(), 0);
    Value *XNegative = B.CreateICmpSLT(X, Zero), *YNegative = B.CreateICmpSLT(Y, Zero);
    Value *XAbs = B.CreateSelect(XNegative, B.CreateNeg(X), X), *YAbs = B.CreateSelect(YNegative, B.CreateNeg(Y), Y);
    Value *R = divide128(B, F, XAbs, YAbs, Remainder);
    Value *Negative = Remainder ? XNegative : B.CreateXor(XNegative, YNegative);
    return B.CreateSelect(Negative, B.CreateNeg(R), R);
  }

  /// X shifted by N (0 to 127) bits, from shifts of its halves.
  Value *shift128(IRBuilder<> &B, unsigned Op, Value *X, Value *N) {
    Type *I64 = B.getInt64Ty();
    auto [Low, High] = halves(B, X);
    Value *Count = B.CreateTrunc(N, I64);
    Value *Whole = B.CreateICmpUGE(Count, B.getInt64(64)); // by a whole half, and then by Within
    Value *Within = B.CreateAnd(Count, 63);
    Value *Rest = B.CreateSub(B.getInt64(63), Within); // with one more shift by 1: never by 64, which is undefined
    if (Op == Instruction::Shl) {
      Value *Moved = B.CreateShl(Low, Within);
      Value *Carried = B.CreateLShr(B.CreateLShr(Low, 1), Rest);
      Value *Joined = B.CreateOr(B.CreateShl(High, Within), Carried);
      Value *NewLow = B.CreateSelect(Whole, B.getInt64(0), Moved);
      Value *NewHigh = B.CreateSelect(Whole, Moved, Joined);
      return join(B, NewLow, NewHigh);
    }
    const bool Signed = Op == Instruction::AShr;
    Value *Moved = Signed ? B.CreateAShr(High, Within) : B.CreateLShr(High, Within);
    Value *Fill = Signed ? B.CreateAShr(High, 63) : B.getInt64(0);
    Value *Carried = B.CreateShl(B.CreateShl(High, 1), Rest);
    Value *Joined = B.CreateOr(B.CreateLShr(Low, Within), Carried);
    Value *NewLow = B.CreateSelect(Whole, Moved, Joined);
    Value *NewHigh = B.CreateSelect(Whole, Fill, Moved);
    return join(B, NewLow, NewHigh);
  }

  /// llvm.fshl and llvm.fshr, what rotations become: the upper or lower half of (X, Y) shifted by N modulo 128.
  void funnelShift(IntrinsicInst *I) {
    Value *X = I->getArgOperand(0), *Y = I->getArgOperand(1), *N = I->getArgOperand(2);
    if (X->getType()->getScalarSizeInBits() != 128) return;
    IRBuilder<> B(I);
    Type *T = X->getType();
    const bool Left = I->getIntrinsicID() == Intrinsic::fshl;
    Value *By = B.CreateAnd(N, ConstantInt::get(T, 127));
    Value *Rest = B.CreateSub(ConstantInt::get(T, 127), By);
    Value *Upper = Left ? shift128(B, Instruction::Shl, X, By) : shift128(B, Instruction::Shl, B.CreateShl(X, 1), Rest);
    Value *Lower = Left ? shift128(B, Instruction::LShr, B.CreateLShr(Y, 1), Rest) : shift128(B, Instruction::LShr, Y, By);
    I->replaceAllUsesWith(B.CreateOr(Upper, Lower));
    I->eraseFromParent();
  }

  void arithmetic(BinaryOperator *I) {
    Function *F = I->getFunction();
    IRBuilder<> B(I);
    Type *T = I->getType();
    if (T->isFPOrFPVectorTy()) return error("floating point", F);
    auto *Integer = dyn_cast<IntegerType>(T);
    if (!Integer) return;
    const unsigned Op = I->getOpcode(), Bits = Integer->getBitWidth();
    const bool Multiply = Op == Instruction::Mul;
    const bool Unsigned = Op == Instruction::UDiv || Op == Instruction::URem;
    const bool Signed = Op == Instruction::SDiv || Op == Instruction::SRem;
    const bool Remainder = Op == Instruction::URem || Op == Instruction::SRem;
    const bool Shift = I->isShift() && Bits > 64 && !isa<ConstantInt>(I->getOperand(1)); // by a constant the backend can
    if (!Multiply && !Unsigned && !Signed && !Shift) return;
    Value *X = I->getOperand(0), *Y = I->getOperand(1), *Result = nullptr;
    if (Bits > 64) {
      if (Bits != 128) return error("multiplication, division or shift of i" + Twine(Bits), F);
      if (Shift) Result = shift128(B, Op, X, Y);
      else if (Multiply) Result = multiply128(B, X, Y);
      else if (Unsigned) Result = divide128(B, F, X, Y, Remainder);
      else Result = signedDivide128(B, F, X, Y, Remainder);
    } else if (Signed) {
      Value *Wide[] = {B.CreateSExt(X, B.getInt64Ty()), B.CreateSExt(Y, B.getInt64Ty())};
      Result = B.CreateTrunc(B.CreateCall(helper(Remainder ? "sbf_srem64" : "sbf_sdiv64"), Wide), T);
    }
    if (!Result) return;
    I->replaceAllUsesWith(Result);
    I->eraseFromParent();
  }

  void checkedMultiply(IntrinsicInst *I) {
    Function *F = I->getFunction();
    IRBuilder<> B(I);
    const bool Signed = I->getIntrinsicID() == Intrinsic::smul_with_overflow;
    Value *X = I->getArgOperand(0), *Y = I->getArgOperand(1), *Product = nullptr, *Overflow = nullptr;
    const unsigned Bits = X->getType()->getIntegerBitWidth();
    if (Bits < 64) return; // fits a register, the backend expands it
    if (Bits == 64) {
      Value *Zero = B.getInt64(0);
      Product = B.CreateMul(X, Y);
      Value *High = B.CreateCall(helper("sbf_mulhi64"), {X, Y});
      if (Signed) { // Hacker's Delight 8-3: from the unsigned to the signed high half
        High = B.CreateSub(High, B.CreateSelect(B.CreateICmpSLT(X, Zero), Y, Zero));
        High = B.CreateSub(High, B.CreateSelect(B.CreateICmpSLT(Y, Zero), X, Zero));
        Overflow = B.CreateICmpNE(High, B.CreateAShr(Product, 63));
      } else {
        Overflow = B.CreateICmpNE(High, Zero);
      }
    } else if (Bits == 128 && !Signed) {
      auto *Out = ArrayType::get(B.getInt64Ty(), 3); // low, high, overflow
      Value *Slot = stackSlot(F, Out);
      auto [XLow, XHigh] = halves(B, X);
      auto [YLow, YHigh] = halves(B, Y);
      B.CreateCall(helper("sbf_umulo128"), {Slot, XLow, XHigh, YLow, YHigh});
      auto At = [&](unsigned K) { return B.CreateLoad(B.getInt64Ty(), B.CreateConstGEP2_32(Out, Slot, 0, K)); };
      Value *Low = At(0), *High = At(1);
      Product = join(B, Low, High);
      Overflow = B.CreateICmpNE(At(2), B.getInt64(0));
    } else {
      return error("checked multiplication of " + Twine(Signed ? "i" : "u") + Twine(Bits), F);
    }
    Value *Pair = B.CreateInsertValue(PoisonValue::get(I->getType()), Product, 0);
    I->replaceAllUsesWith(B.CreateInsertValue(Pair, Overflow, 1));
    I->eraseFromParent();
  }

  // ---- memory

  void memoryIntrinsic(MemIntrinsic *I) {
    auto *Known = dyn_cast<ConstantInt>(I->getLength());
    if (Known && Known->getZExtValue() <= InlineBytes) return;
    IRBuilder<> B(I);
    Value *Length = B.CreateZExtOrTrunc(I->getLength(), B.getInt64Ty());
    if (auto *Set = dyn_cast<MemSetInst>(I)) {
      B.CreateCall(helper("sbf_memset"), {Set->getRawDest(), B.CreateZExt(Set->getValue(), B.getInt32Ty()), Length});
    } else {
      auto *Move = cast<MemTransferInst>(I);
      Function *Callee = helper(isa<MemMoveInst>(I) ? "sbf_memmove" : "sbf_memcpy");
      B.CreateCall(Callee, {Move->getRawDest(), Move->getRawSource(), Length});
    }
    I->eraseFromParent();
  }

  static bool onlyComparedWithZero(CallInst *C) {
    return all_of(C->users(), [](User *U) {
      auto *Compare = dyn_cast<ICmpInst>(U);
      auto *Zero = Compare ? dyn_cast<ConstantInt>(Compare->getOperand(1)) : nullptr;
      return Zero && Zero->isZero() && Compare->isEquality();
    });
  }

  /// Keys and hashes are compared all the time: or-ing together the differing bits of a few words beats the syscall.
  void inlineEquality(Function *Compare) {
    SmallVector<CallInst *> Calls;
    for (User *U : Compare->users())
      if (auto *C = dyn_cast<CallInst>(U); C && C->getCalledFunction() == Compare && C->arg_size() == 3) Calls.push_back(C);
    for (CallInst *C : Calls) {
      auto *Length = dyn_cast<ConstantInt>(C->getArgOperand(2));
      if (!Length || Length->getZExtValue() > InlineBytes || !onlyComparedWithZero(C)) continue;
      IRBuilder<> B(C);
      Value *Differs = B.getInt64(0);
      uint64_t Offset = 0, Bytes = Length->getZExtValue();
      for (unsigned Width : {8u, 4u, 2u, 1u})
        for (; Bytes - Offset >= Width; Offset += Width) {
          auto Word = [&](unsigned Argument) -> Value * {
            Value *At = B.CreateConstGEP1_64(B.getInt8Ty(), C->getArgOperand(Argument), Offset);
            return B.CreateZExt(B.CreateAlignedLoad(B.getIntNTy(Width * 8), At, Align(1)), B.getInt64Ty());
          };
          Value *Left = Word(0), *Right = Word(1);
          Differs = B.CreateOr(Differs, B.CreateXor(Left, Right));
        }
      C->replaceAllUsesWith(B.CreateZExt(B.CreateICmpNE(Differs, B.getInt64(0)), C->getType()));
      C->eraseFromParent();
    }
  }

  void memoryFunctions() {
    for (StringRef Name : {"memcmp", "bcmp"})
      if (Function *F = M->getFunction(Name)) inlineEquality(F);
    constexpr std::pair<const char *, const char *> Replacements[] = {
        {"memcpy", "sbf_memcpy"}, {"memmove", "sbf_memmove"}, {"memset", "sbf_memset"}, {"memcmp", "sbf_memcmp"}, {"bcmp", "sbf_memcmp"}};
    // the table with which programs/common/src/memory.rs keeps these functions as they are has done its work
    for (StringRef Name : {"llvm.used", "llvm.compiler.used"})
      if (GlobalVariable *G = M->getGlobalVariable(Name)) G->eraseFromParent();
    for (auto [From, To] : Replacements) {
      Function *F = M->getFunction(From), *Helper = helper(To);
      if (!F) continue;
      // link-time optimisation drops an argument that is always the same: then the helper would read one that nobody passes
      const bool Same = F->getFunctionType() == Helper->getFunctionType() && F->getCallingConv() == Helper->getCallingConv();
      if (!Same) {
        error(Twine(From) + " lost its signature (see programs/common/src/memory.rs)", F);
        continue;
      }
      F->replaceAllUsesWith(Helper);
      F->eraseFromParent();
    }
  }

  // ---- more than five argument registers

  /// How many leading parameters keep their registers (the fifth then holds the pointer), or -1 where all fit anyway.
  int leadingParameters(FunctionType *Type_) {
    const DataLayout &Layout = M->getDataLayout();
    unsigned Registers = 0;
    int Keep = 0;
    bool Full = false;
    for (Type *T : Type_->params()) {
      Registers += divideCeil(Layout.getTypeAllocSize(T).getFixedValue(), 8);
      if (Registers < ArgumentRegisters && !Full) Keep++;
      else Full = true;
    }
    return Registers > ArgumentRegisters && !Type_->isVarArg() ? Keep : -1;
  }

  /// The type with the tail replaced by one pointer; Tail is what that pointer points to.
  FunctionType *withTail(FunctionType *Type_, int Keep, StructType *&Tail) {
    SmallVector<Type *> Front(Type_->param_begin(), Type_->param_begin() + Keep);
    SmallVector<Type *> Rest(Type_->param_begin() + Keep, Type_->param_end());
    Tail = StructType::get(M->getContext(), Rest);
    Front.push_back(PointerType::getUnqual(M->getContext()));
    return FunctionType::get(Type_->getReturnType(), Front, false);
  }

  void rewriteCall(CallBase *C) {
    StructType *Tail;
    const int Keep = leadingParameters(C->getFunctionType());
    FunctionType *Type_ = withTail(C->getFunctionType(), Keep, Tail);
    IRBuilder<> B(C);
    Value *Slot = stackSlot(C->getFunction(), Tail);
    SmallVector<Value *> Arguments(C->arg_begin(), C->arg_begin() + Keep);
    for (unsigned I = Keep; I < C->arg_size(); I++) B.CreateStore(C->getArgOperand(I), B.CreateStructGEP(Tail, Slot, I - Keep));
    Arguments.push_back(Slot);
    CallInst *New = B.CreateCall(Type_, C->getCalledOperand(), Arguments);
    New->setCallingConv(C->getCallingConv());
    New->setTailCallKind(CallInst::TCK_NoTail); // the callee reads our frame
    C->replaceAllUsesWith(New);
    C->eraseFromParent();
  }

  void rewriteFunction(Function *F) {
    StructType *Tail;
    const int Keep = leadingParameters(F->getFunctionType());
    FunctionType *Type_ = withTail(F->getFunctionType(), Keep, Tail);
    Function *New = Function::Create(Type_, F->getLinkage(), F->getAddressSpace(), "", M);
    New->takeName(F);
    New->setCallingConv(F->getCallingConv());
    New->setUnnamedAddr(F->getUnnamedAddr());
    AttributeList Old = F->getAttributes(); // it reads memory now, whatever was said of it
    AttributeSet OfFunction = Old.getFnAttrs().removeAttribute(M->getContext(), Attribute::Memory);
    New->setAttributes(AttributeList::get(M->getContext(), OfFunction, Old.getRetAttrs(), {}));
    New->splice(New->begin(), F);
    Argument *Pointer = New->getArg(Keep);
    for (int I = 0; I < Keep; I++) F->getArg(I)->replaceAllUsesWith(New->getArg(I));
    IRBuilder<> B(&*New->getEntryBlock().getFirstInsertionPt());
    for (unsigned I = Keep; I < F->arg_size(); I++)
      F->getArg(I)->replaceAllUsesWith(B.CreateLoad(F->getArg(I)->getType(), B.CreateStructGEP(Tail, Pointer, I - Keep)));
    F->replaceAllUsesWith(New);
    F->eraseFromParent();
  }

  void manyArguments() {
    SmallVector<CallBase *> Calls;
    SmallVector<Function *> Functions;
    for (Function &F : *M) {
      for (Instruction &I : instructions(F)) {
        auto *C = dyn_cast<CallBase>(&I);
        if (!C || isa<IntrinsicInst>(C) || C->isInlineAsm() || leadingParameters(C->getFunctionType()) < 0) continue;
        Function *Callee = C->getCalledFunction();
        if (Callee && Callee->isDeclaration()) error("a call with more than five arguments to the external " + Callee->getName(), &F);
        else if (!Callee && isa<Constant>(C->getCalledOperand())) error("a syscall with more than five arguments", &F);
        else if (!isa<CallInst>(C)) error("a call that may unwind", &F);
        else Calls.push_back(C);
      }
      if (F.isDeclaration() || F.isIntrinsic() || leadingParameters(F.getFunctionType()) < 0) continue;
      if (!F.hasLocalLinkage()) error("more than five arguments to an exported function", &F);
      else Functions.push_back(&F);
    }
    for (CallBase *C : Calls) rewriteCall(C);
    for (Function *F : Functions) rewriteFunction(F);
  }

  // ---- all of it

  void prepare(Function &F) {
    // always_inline asks for equal targets; the runtime was compiled by clang, the program by rustc
    F.removeFnAttr("target-cpu");
    F.removeFnAttr("target-features");
    for (unsigned I = 0; I < F.arg_size(); I++) F.removeParamAttr(I, Attribute::StructRet);
    if (F.getName().starts_with("sbf_") && !F.isDeclaration()) F.setLinkage(GlobalValue::InternalLinkage);
  }

  void rewriteInstruction(Instruction *I) {
    Function *F = I->getFunction();
    if (isa<FPToUIInst>(I) || isa<FPToSIInst>(I) || isa<UIToFPInst>(I) || isa<SIToFPInst>(I) || isa<FCmpInst>(I)) return error("floating point", F);
    if (auto *Binary = dyn_cast<BinaryOperator>(I)) return arithmetic(Binary);
    auto *C = dyn_cast<CallBase>(I);
    if (!C) return;
    for (unsigned A = 0; A < C->arg_size(); A++) C->removeParamAttr(A, Attribute::StructRet);
    // core::hint::black_box is an empty piece of assembly
    if (auto *Assembly = dyn_cast<InlineAsm>(C->getCalledOperand()); Assembly && !Assembly->getAsmString().empty()) return error("inline assembly", F);
    if (auto *Memory = dyn_cast<MemIntrinsic>(C)) return memoryIntrinsic(Memory);
    auto *Intrinsic_ = dyn_cast<IntrinsicInst>(C);
    if (!Intrinsic_) return;
    const auto Id = Intrinsic_->getIntrinsicID();
    if (Id == Intrinsic::umul_with_overflow || Id == Intrinsic::smul_with_overflow) checkedMultiply(Intrinsic_);
    if (Id == Intrinsic::fshl || Id == Intrinsic::fshr) funnelShift(Intrinsic_);
  }

  void refuseTheRest() {
    for (Function &F : *M) {
      if (F.isDeclaration() || F.hasFnAttribute(Attribute::AlwaysInline)) continue;
      Type *R = F.getReturnType();
      if (!R->isVoidTy() && M->getDataLayout().getTypeAllocSize(R) > 8) error("a returned value wider than 64 bits", &F);
    }
    for (GlobalVariable &G : M->globals())
      if (!G.isConstant() && !G.isDeclaration()) error("the writable global " + G.getName(), nullptr);
  }

  PreservedAnalyses run(Module &Module_, ModuleAnalysisManager &) {
    M = &Module_;
    memoryFunctions();
    for (Function &F : *M) prepare(F);
    for (Function &F : *M) {
      SmallVector<Instruction *> All;
      for (Instruction &I : instructions(F)) All.push_back(&I);
      for (Instruction *I : All) rewriteInstruction(I);
    }
    manyArguments();
    refuseTheRest();
    if (Errors) report_fatal_error("sbf-legalize: this cannot be built for Solana, see above", false);
    return PreservedAnalyses::none();
  }
};

} // namespace

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "sbf-legalize", "1", [](PassBuilder &Builder) {
            Builder.registerPipelineParsingCallback([](StringRef Name, ModulePassManager &Passes, ArrayRef<PassBuilder::PipelineElement>) {
              if (Name != "sbf-legalize") return false;
              Passes.addPass(Legalize());
              return true;
            });
          }};
}
