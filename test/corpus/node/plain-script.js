console.log('neither');
